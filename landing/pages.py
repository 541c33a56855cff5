"""Renders the templates, each with what every page needs to know."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from auth.identity import ANONYMOUS, Identity
from landing import words
from landing.assets import Assets
from landing.frame import SHARED_TEMPLATES, TEMPLATES, frame_values
from workspace_api.browsers import browser_of
from workspace_api.egress import words_for
from workspace_api.errors import WorkspaceError
from workspace_api.http import csrf_token
from workspace_api.settings import Settings

NO_STORE = {"Cache-Control": "no-store"}


class Pages:
    """The pages of one workspace: templates are read once, and every value in them is escaped."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([SHARED_TEMPLATES, TEMPLATES / "pages"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(
            frame_values(settings, assets),
            examples=settings.runs.examples,
            sessions_reach=words_for(settings, settings.sessions.network, "this workspace, AlphaGenome"),
            runs_reach=words_for(settings, settings.runs.network, "AlphaGenome"),
        )
        self._templates.filters.update(
            time=_time_tag,
            clock=words.clock_tag,
            span=words.span,
            size=words.size,
            memory=words.memory,
            listed=words.listed,
            figure=words.figure,
        )

    def page(
        self, request: Request, caller: Identity, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page for `caller`, whose forms carry the token of their browser."""
        html = self._templates.get_template(template).render(
            caller=caller, csrf=csrf_token(request), here=_here(request), **values
        )
        return HTMLResponse(html, status, NO_STORE)

    def form_page(
        self, request: Request, caller: Identity, template: str, error: WorkspaceError | None, **values: Any
    ) -> HTMLResponse:
        """Return a page with a form: as it was sent, and refused for `error`, or without one anew.

        The page has `errors`, a message for each wrong field, and `refusal`, what is wrong beside them.
        """
        errors = {each.field: each.message for each in error.errors} if error else {}
        refusal = error.detail if error and not errors else ""
        status = error.status if error else 200
        return self.page(request, caller, template, status=status, errors=errors, refusal=refusal, **values)

    def error_page(self, request: Request, status: int, **values: Any) -> HTMLResponse:
        """Return a page for somebody whose browser may not be known; it holds no form but the sign-out."""
        known = hasattr(request.state, "browser")
        session = browser_of(request).session if known else None
        html = self._templates.get_template("problem.html").render(
            caller=Identity(user=session.user) if session else ANONYMOUS,
            csrf=csrf_token(request) if known else "",
            here="/" if request.method != "GET" else _here(request),
            status=status,
            **values,
        )
        return HTMLResponse(html, status, NO_STORE)

    def fragment(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a piece of a page."""
        html = self._templates.get_template(template).render(**values)
        return HTMLResponse(html, status, NO_STORE)


def pages_of(request: Request) -> Pages:
    """Return the pages of the application that serves this request."""
    pages: Pages = request.app.state.pages
    return pages


WorkspacePages = Annotated[Pages, Depends(pages_of)]


def _here(request: Request) -> str:
    """Return the page's own address, to come back to after signing in."""
    query = request.url.query
    return "/" + quote(request.url.path.lstrip("/")) + (f"?{query}" if query else "")


def _time_tag(moment: dt.datetime) -> Markup:
    return words.time_tag(moment, dt.datetime.now(dt.UTC))
