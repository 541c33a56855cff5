"""Opening a project, waiting for it, coming back to it."""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from landing.pages import WorkspacePages
from landing.typed import Form, text_of
from workspace_api.errors import NotFoundError
from workspace_api.http import Services, SignedIn
from workspace_api.sessions.views import SessionView

SESSIONS_ON_A_PAGE = 50
LAB = "lab/tree/"
UNTIL_PROXY_KNOWS = 0.4  # seconds; a browser follows some twenty redirects
Part = Annotated[str, InPath(max_length=255)]
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$")]


router = APIRouter(include_in_schema=False)


@router.post("/projects/{namespace}/{name}/open")
def open_project(services: Services, caller: SignedIn, namespace: Part, name: Part, sent: Form) -> Response:
    """Open a project, and show how far that is."""
    kind = text_of(sent, "kind") or "lab"
    size = text_of(sent, "size") or None
    plain = text_of(sent, "without_packages") == "1"
    path = f"{namespace}/{name}"
    session = services.sessions.open(caller, path, kind, size, without_packages=plain)
    return RedirectResponse(_going(session, text_of(sent, "path")), 303)


@router.get("/sessions/{session_id}", response_class=HTMLResponse)
def session(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    session_id: Id,
    go: Annotated[bool, Query()] = False,
    path: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show how far a session is; with `go`, lead into one that runs, to `path` in its checkout."""
    view = services.sessions.get(caller, session_id)
    if go and view.state == "running" and view.owner == caller.user:
        return RedirectResponse(_inside(view, path), 303)
    unfinished = view.environment_key is not None and view.folder is None
    environment = services.environments.view(view.environment_key or "") if unfinished else None
    return pages.page(request, caller, "session.html", session=view, environment=environment, go=go)


@router.post("/sessions/{session_id}/stop")
def stop(services: Services, caller: SignedIn, session_id: Id, sent: Form) -> Response:
    """End a session."""
    services.sessions.stop(caller, session_id)
    return RedirectResponse(_back(sent, session_id), 303)


@router.post("/sessions/{session_id}/keep")
def keep(services: Services, caller: SignedIn, session_id: Id, sent: Form) -> Response:
    """Have a session count as used now."""
    services.sessions.keep(caller, session_id)
    return RedirectResponse(_back(sent, session_id), 303)


@router.get("/admin/sessions", response_class=HTMLResponse)
def everybodys(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """List the sessions of everybody."""
    found = services.sessions.everybodys(caller, page=page, per_page=SESSIONS_ON_A_PAGE)
    return pages.page(request, caller, "all_sessions.html", found=found)


@router.get("/user/{user}/{server}/{rest:path}")
@router.get("/absent/{user}/{server}/{rest:path}")  # where sessions have an origin of their own
def not_there(services: Services, caller: SignedIn, user: Part, server: Part, rest: str) -> Response:
    """Lead whoever comes to a server that does not run, or not yet, to the page of its session.

    One that has just started is not known to the proxy for a moment: its page leads here again, to the
    same file, and the browser must not do that at once and for ever.
    """
    view = services.sessions.at(user, server) if caller.user == user or caller.admin else None
    if view is None:
        raise NotFoundError("There is no session at this address. Open a project from its page.")
    if view.state == "running":
        time.sleep(UNTIL_PROXY_KNOWS)
    within = f"{LAB}{view.folder}/"
    return RedirectResponse(_going(view, rest.removeprefix(within) if rest.startswith(within) else ""), 303)


def _back(sent: FormData, session_id: str) -> str:
    """Return the page that a form stood on, one of those that show sessions."""
    back = text_of(sent, "back")
    return back if back in ("/admin/sessions", f"/sessions/{session_id}") else "/me"


def _inside(view: SessionView, path: str) -> str:
    """Return where a session is open, at a file of its checkout if `path` names one."""
    if not path or view.kind != "lab" or ".." in path.split("/"):
        return view.url
    file = f"{view.folder}/{path.lstrip('/')}"
    return f"{view.url}{LAB}{quote(file)}"


def _going(view: SessionView, path: str) -> str:
    """Return the page of a session that leads into it as soon as it runs, at `path` of its checkout."""
    return f"/sessions/{view.id}?go=1{'&path=' + quote(path) if path else ''}"
