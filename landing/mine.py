"""My work: one's own sessions, runs and tokens."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, NamespaceFacts, may
from landing.pages import Pages, WorkspacePages
from landing.typed import Form, text_of
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.runs.models import RunState
from workspace_api.tokens.views import NewToken
from workspace_api.workspace import Workspace

RUNS_ON_A_PAGE = 20
PROJECTS_IN_PART = 8
SCOPES = (
    ("api", "everything you may do"),
    ("read_api", "reading only"),
    ("alphagenome", "predictions by the AlphaGenome gateway"),
)
LASTS = {"30": "30 days", "90": "90 days", "365": "365 days", "": "until it is revoked"}
USUALLY_LASTS = "90"


router = APIRouter(include_in_schema=False)


@router.get("/me", response_class=HTMLResponse)
def mine(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    state: Annotated[str, Query(max_length=20)] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """List one's own sessions and runs."""
    chosen = state if state in list(RunState) else ""
    sessions = services.sessions.mine(caller) if caller.signed_in else ()
    runs = services.runs.list(caller, state=chosen or None, page=page, per_page=RUNS_ON_A_PAGE)
    return pages.page(
        request,
        caller,
        "mine.html",
        sessions=sessions,
        may_see_all=may(caller, Action.READ_SESSIONS, PLATFORM),
        may_import=services.imports.offered_to(caller),
        may_make=may(caller, Action.CREATE_PROJECT, NamespaceFacts(own=True)),
        runs=runs,
        chosen=chosen,
        states=[str(each) for each in RunState],
    )


@router.get("/me/projects", response_class=HTMLResponse)
def projects(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    part: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """List one's own projects and forks with how far behind these are; with `part` the list alone."""
    try:
        found, missing = services.lineage.mine(caller), ""
    except UnavailableError as error:
        found, missing = [], error.detail
    if part:
        return pages.fragment("own_projects.html", projects=found[:PROJECTS_IN_PART], missing=missing)
    return pages.page(request, caller, "my_projects.html", projects=found, missing=missing)


@router.get("/me/tokens", response_class=HTMLResponse)
def tokens(pages: WorkspacePages, request: Request, services: Services, caller: SignedIn) -> HTMLResponse:
    """List one's own tokens."""
    return _tokens_page(pages, request, services, caller)


@router.post("/me/tokens", response_class=HTMLResponse)
def make_token(
    pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, sent: Form
) -> HTMLResponse:
    """Make a token and show its secret, this once."""
    name = text_of(sent, "name")
    scopes = [value for value in sent.getlist("scope") if isinstance(value, str)]
    days = text_of(sent, "days")
    try:
        new = services.tokens.create_own(caller, name, scopes, expires_at=_end(days))
    except (InvalidInputError, ConflictError) as error:
        return _tokens_page(
            pages, request, services, caller, name=name, scopes=scopes, days=days, error=error
        )
    return _tokens_page(pages, request, services, caller, new=new)


@router.post("/me/tokens/{token_id}/revoke")
def revoke_token(
    services: Services, caller: SignedIn, token_id: Annotated[str, InPath(max_length=40)]
) -> Response:
    """Revoke a token."""
    services.tokens.revoke(caller, token_id)
    return RedirectResponse("/me/tokens", 303)


def _end(days: str) -> dt.datetime | None:
    """Return when a token made now ends, None for never; raises InvalidInputError for what is not offered."""
    if days not in LASTS:
        error = FieldError("days", f"“{days[:20]}” is not offered; choose how long the token works.")
        raise InvalidInputError("The token was not made.", (error,))
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=int(days)) if days else None


def _tokens_page(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    *,
    name: str = "",
    scopes: list[str] | None = None,
    days: str = USUALLY_LASTS,
    new: NewToken | None = None,
    error: WorkspaceError | None = None,
) -> HTMLResponse:
    return pages.form_page(
        request,
        caller,
        "tokens.html",
        error,
        tokens=services.tokens.list(caller),
        choices=SCOPES,
        name=name,
        scopes=["api"] if scopes is None else scopes,
        days=days,
        lasts=LASTS,
        new=new,
    )
