"""Sessions over HTTP: for people, for git inside them, and for JupyterHub's spawner."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool

from workspace_api.http import Caller, Listing, Paging, Services, SignedIn
from workspace_api.paging import Page
from workspace_api.sessions.schemas import (
    GitCredential,
    Preparation,
    ServerEnd,
    ServerQuestion,
    ServerStart,
    SessionRequest,
    SessionSchema,
    SizeSchema,
)
from workspace_api.sessions.views import Waiting
from workspace_api.signin.internal import require_hub

LOOKS = 100  # at a checkout under way, before the spawner is told to ask again
LOOK_SECONDS = 0.03

router = APIRouter(tags=["sessions"])
internal = APIRouter(prefix="/internal/sessions", tags=["internal"])
Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$", description="A session's id.")]


@router.get("/sessions")
def list_sessions(
    services: Services,
    caller: Caller,
    paging: Paging,
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
    everybody: Annotated[
        bool, Query(description="Those of everybody that are under way, for administrators.")
    ] = False,
) -> Listing[SessionSchema]:
    """List the caller's sessions, or those of everybody, newest first."""
    if everybody:
        page = services.sessions.everybodys(caller, page=paging.page, per_page=paging.per_page)
        return Listing[SessionSchema].of(page, SessionSchema.of)
    found = services.sessions.mine(caller, ended=ended)
    return Listing[SessionSchema].of(Page(found, len(found), 1, 100), SessionSchema.of)


@router.get("/session-sizes")
def list_sizes(services: Services, caller: SignedIn) -> Listing[SizeSchema]:
    """List the sizes of sessions that the caller may use on this machine."""
    found = services.sessions.choice.offered(caller)
    return Listing[SizeSchema].of(Page(found, len(found), 1, 100), SizeSchema.of)


@router.post("/sessions", status_code=202)
def open_session(services: Services, caller: Caller, body: SessionRequest) -> SessionSchema:
    """Open a project: the session that is there, or a new one, which may have to wait for a place."""
    opened = services.sessions.open(
        caller, body.project, body.kind, body.size, without_packages=body.without_packages
    )
    return SessionSchema.of(opened)


@router.get("/sessions/{session_id}")
def get_session(services: Services, caller: Caller, session_id: Id) -> SessionSchema:
    """Say how far a session is."""
    return SessionSchema.of(services.sessions.get(caller, session_id))


@router.delete("/sessions/{session_id}")
def stop_session(services: Services, caller: Caller, session_id: Id) -> SessionSchema:
    """End a session; what is in the home stays."""
    return SessionSchema.of(services.sessions.stop(caller, session_id))


@router.post("/sessions/{session_id}/keep")
def keep_session(services: Services, caller: Caller, session_id: Id) -> SessionSchema:
    """Have a session count as used now, so that it does not end for want of use."""
    return SessionSchema.of(services.sessions.keep(caller, session_id))


@router.post("/git-credential")
def git_credential(services: Services, caller: Caller, response: Response) -> GitCredential:
    """Give git in a session a password for the forge that works as long as the session lasts."""
    response.headers["Cache-Control"] = "no-store"
    return GitCredential(username="oauth2", password=services.sessions.git_passwords.borrow(caller))


@internal.post("/prepare")
async def prepare(request: Request, services: Services, body: ServerQuestion) -> Preparation:
    """Take a server's preparation as far as it goes in a moment; refused to everybody but JupyterHub."""
    require_hub(request, services)
    found = await run_in_threadpool(services.sessions.prepare, body.user, body.server)
    if isinstance(found, Waiting) and found.until is not None and await _appears(found.until):
        found = await run_in_threadpool(services.sessions.prepare, body.user, body.server)
    return Preparation.of(found)


@internal.post("/started")
def started(request: Request, services: Services, body: ServerStart) -> dict[str, bool]:
    """Note that a server answers; refused to everybody but JupyterHub."""
    require_hub(request, services)
    services.sessions.started(body.user, body.server, body.control)
    return {"noted": True}


@internal.post("/ended")
def ended(request: Request, services: Services, body: ServerEnd) -> dict[str, bool]:
    """Note that a server has ended; refused to everybody but JupyterHub."""
    require_hub(request, services)
    services.sessions.ended(body.user, body.server, body.reason, body.words)
    return {"noted": True}


async def _appears(file: Path) -> bool:
    """Wait a moment for a file, which costs less than to be asked again; false when its folder goes."""
    for _ in range(LOOKS):
        if os.path.lexists(file):
            return True
        if not os.path.lexists(file.parent):
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return False
