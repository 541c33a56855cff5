"""Sessions over HTTP: for people, for git inside them, and for JupyterHub's spawner."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from workspace_api.http import Caller, Listing, Services, SignedIn
from workspace_api.paging import Page
from workspace_api.sessions.schemas import (
    GitCredential,
    Preparation,
    ServerEnd,
    ServerQuestion,
    SessionRequest,
    SessionSchema,
)
from workspace_api.signin.internal import require_hub

router = APIRouter(tags=["sessions"])
internal = APIRouter(prefix="/internal/sessions", tags=["internal"])
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$", description="A session's id.")]


@router.get("/sessions")
def list_sessions(
    services: Services,
    caller: Caller,
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
) -> Listing[SessionSchema]:
    """List the caller's sessions, newest first."""
    found = services.sessions.mine(caller, ended=ended)
    return Listing[SessionSchema].of(Page(found, len(found), 1, 100), SessionSchema.of)


@router.post("/sessions", status_code=202)
def open_session(services: Services, caller: Caller, body: SessionRequest) -> SessionSchema:
    """Open a project: the session that is there, or a new one."""
    return SessionSchema.of(services.sessions.open(caller, body.project, body.kind))


@router.get("/sessions/{session_id}")
def get_session(services: Services, caller: Caller, session_id: Id) -> SessionSchema:
    """Say how far a session is."""
    return SessionSchema.of(services.sessions.get(caller, session_id))


@router.delete("/sessions/{session_id}")
def stop_session(services: Services, caller: Caller, session_id: Id) -> SessionSchema:
    """End a session; what is in the home stays."""
    return SessionSchema.of(services.sessions.stop(caller, session_id))


@router.post("/git-credential")
def git_credential(services: Services, caller: SignedIn, response: Response) -> GitCredential:
    """Give the caller's git a password for the forge that works for hours."""
    person = services.people.get(caller.user or "")
    response.headers["Cache-Control"] = "no-store"
    password = services.sessions.forks.git_password(person.name, person.display_name)
    return GitCredential(username="oauth2", password=password)


@internal.post("/prepare")
def prepare(request: Request, services: Services, body: ServerQuestion) -> Preparation:
    """Take a server's preparation one step further; refused to everybody but JupyterHub."""
    require_hub(request, services)
    return Preparation.of(services.sessions.prepare(body.user, body.server))


@internal.post("/started")
def started(request: Request, services: Services, body: ServerQuestion) -> dict[str, bool]:
    """Note that a server answers; refused to everybody but JupyterHub."""
    require_hub(request, services)
    services.sessions.started(body.user, body.server)
    return {"noted": True}


@internal.post("/ended")
def ended(request: Request, services: Services, body: ServerEnd) -> dict[str, bool]:
    """Note that a server has ended; refused to everybody but JupyterHub."""
    require_hub(request, services)
    services.sessions.ended(body.user, body.server, body.reason, body.words)
    return {"noted": True}
