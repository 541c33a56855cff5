"""Errors as problem documents (RFC 9457), or as pages where a browser asked for one."""

from __future__ import annotations

import http
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from workspace_api.errors import (
    FieldError,
    InvalidInputError,
    LimitReachedError,
    UnavailableError,
    WorkspaceError,
)

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """What went wrong, for one request; `request_id` is the mark by which the log tells more."""

    status: int
    title: str
    detail: str
    request_id: str
    errors: Sequence[FieldError] = ()

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": self.request_id,
        }
        if self.errors:
            document["errors"] = [{"field": e.field, "message": e.message} for e in self.errors]
        return document


ANSWERS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457): what is wrong, with which value, and what to do.",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "request_id"],
                    "properties": {
                        **{name: {"type": "string"} for name in ("type", "title", "detail", "request_id")},
                        "status": {"type": "integer"},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                            },
                        },
                    },
                }
            }
        },
    }
}
RenderProblem = Callable[[Request, Problem], Response]


def request_id_of(request: Request) -> str:
    """Return the mark of a request, as the log and the header `X-Request-ID` have it."""
    return str(getattr(request.state, "request_id", ""))


def wants_page(request: Request) -> bool:
    """Return whether a browser asked for a page, and not a program for the API."""
    under_api = f"{request.url.path}/".startswith("/api/")
    return not under_api and "text/html" in request.headers.get("accept", "")


def respond(
    request: Request,
    problem: Problem,
    render: RenderProblem | None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response for `problem`: a page by `render` for a browser, else the document."""
    if render is not None and wants_page(request):
        response = render(request, problem)
        response.headers.update(headers or {})
        return response
    return JSONResponse(problem.document(), problem.status, headers, media_type=MEDIA_TYPE)


def of_error(error: WorkspaceError, request_id: str) -> Problem:
    """Return the problem of an error that a service raised."""
    return Problem(error.status, error.title, error.detail, request_id, error.errors)


def of_unexpected(request_id: str) -> Problem:
    """Return the problem of an error that nobody foresaw; what it was is in the log alone."""
    return Problem(
        500,
        WorkspaceError.title,
        "An error nobody foresaw stopped this request; nothing you did wrong. If it comes again, tell an "
        f"administrator this mark, by which the log says more: {request_id}",
        request_id,
    )


def install_problems(app: FastAPI, render: RenderProblem | None) -> None:
    """Answer every foreseen error of `app` with a problem document, or with `render`'s page."""

    def on_workspace_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, WorkspaceError)  # noqa: S101 - as registered below
        return respond(request, of_error(error, request_id_of(request)), render, _headers_of(error))

    def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered below
        if wants_page(request) and any(each["loc"][0] == "path" for each in error.errors()):
            return on_http(request, HTTPException(404))  # whoever follows an address has typed nothing
        return respond(request, _of_validation(error, request_id_of(request)), render)

    def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as registered below
        return respond(request, _of_http(request, error), render, error.headers)

    def on_database(request: Request, error: Exception) -> Response:
        assert isinstance(error, OperationalError)  # noqa: S101 - as registered below
        mark = request_id_of(request)
        logger.error("request %s: the database refused: %s", mark, error.orig)
        return respond(request, of_error(_refused_by_database(error), mark), render)

    app.add_exception_handler(OperationalError, on_database)
    app.add_exception_handler(WorkspaceError, on_workspace_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def _refused_by_database(error: OperationalError) -> UnavailableError:
    """Say what the database says: a full or failing disk, or one that others keep busy."""
    return UnavailableError(
        f"The workspace's database does not take this now ({error.orig}). Nothing was changed. Try again "
        "later; if it stays, an administrator must look: the disk may be full."
    )


def _headers_of(error: WorkspaceError) -> dict[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": "60"} if isinstance(error, LimitReachedError) else {}


def _of_validation(error: RequestValidationError, request_id: str) -> Problem:
    """Name each field as the caller wrote it; a body that is no JSON at all is a bad request."""
    problems = error.errors()
    if any(each["type"] == "json_invalid" for each in problems):
        return Problem(400, "The request could not be understood", "The body is not valid JSON.", request_id)
    fields = tuple(FieldError(_field(each["loc"]), _words(each)) for each in problems)
    names = ", ".join(dict.fromkeys(each.field for each in fields))
    return Problem(422, InvalidInputError.title, f"Not accepted: {names}.", request_id, fields)


def _field(location: Sequence[int | str]) -> str:
    """Return a place such as `parameters.tissues.0`, without saying whether it was body or query."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _words(each: Mapping[str, Any]) -> str:
    value = each.get("input")
    named = isinstance(value, str | int | float) and each["type"] != "missing"
    given = f" (given: {str(value)[:80]!r})" if named and "password" not in each["loc"] else ""
    return f"{each['msg']}{given}."


def _of_http(request: Request, error: HTTPException) -> Problem:
    title = http.HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    if error.status_code == 404 and detail == title:
        detail = f"There is nothing at {request.url.path[:200]}."
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not possible here" + (f"; possible: {allowed}." if allowed else ".")
    return Problem(error.status_code, title, detail, request_id_of(request))
