"""Environments over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from workspace_api.environments.details import details_of, packages_of, require_known
from workspace_api.environments.events import log_events
from workspace_api.environments.schemas import (
    EnvironmentDetails,
    EnvironmentListed,
    EnvironmentSchema,
    LeavingList,
    LeavingOut,
    Package,
)
from workspace_api.environments.views import Leaving
from workspace_api.http import Caller, Listing, Paging, Services

router = APIRouter(prefix="/environments", tags=["environments"])
Key = Annotated[str, InPath(pattern=r"^[0-9a-z]{1,64}$", description="An environment's key.")]
Text = Annotated[str, Query(max_length=200)]


@router.get("")
def environments(
    services: Services, caller: Caller, paging: Paging, q: Text = "", state: Text = ""
) -> Listing[EnvironmentListed]:
    """List the environments, those used last first; `q` begins a key or is in the environment files."""
    page = services.environments.list(
        caller, state=state or None, q=q, page=paging.page, per_page=paging.per_page
    )
    return Listing[EnvironmentListed].of(page, EnvironmentListed.model_validate)


@router.get("/surplus")
def surplus(services: Services, caller: Caller) -> LeavingList:
    """Say which environments the next collection would remove, and why."""
    return _leaving(services.environments.surplus(caller))


@router.delete("/surplus")
def free_surplus(services: Services, caller: Caller) -> LeavingList:
    """Remove them now."""
    return _leaving(services.environments.free_surplus(caller))


@router.get("/{key}")
def environment(services: Services, caller: Caller, key: Key) -> EnvironmentDetails:
    """Say how far an environment is, what it is made of, and who uses it."""
    return EnvironmentDetails.of_details(details_of(services, caller, key))


@router.get("/{key}/packages")
def packages(services: Services, caller: Caller, paging: Paging, key: Key, q: Text = "") -> Listing[Package]:
    """List the packages of an environment with their versions."""
    page = packages_of(services, caller, key, q=q, page=paging.page, per_page=paging.per_page)
    return Listing[Package].of(page, lambda pair: Package(name=pair[0], version=pair[1]))


@router.get(
    "/{key}/log",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}, "text/event-stream": {}}}},
)
async def environment_log(
    request: Request,
    services: Services,
    caller: Caller,
    key: Key,
    offset: Annotated[int, Query(ge=0, description="From which byte of the log.")] = 0,
) -> Response:
    """Give a build's log as text, or, where `text/event-stream` is accepted, follow it to its end."""
    await run_in_threadpool(services.environments.view, key)
    await run_in_threadpool(require_known, services, caller, key, "log")
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(
            log_events(services.environments, key, offset),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    text, _ = await run_in_threadpool(services.environments.log, key, offset)
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})


@router.post("/{key}/rebuild", status_code=202)
def rebuild(services: Services, caller: Caller, key: Key) -> EnvironmentSchema:
    """Build an environment again, as an author or an administrator; a ready one while nothing uses it."""
    return EnvironmentSchema.of(services.environments.rebuild(caller, key))


@router.post("/{key}/cancel")
def cancel(services: Services, caller: Caller, key: Key) -> EnvironmentSchema:
    """Stop a build, as an author or an administrator."""
    return EnvironmentSchema.of(services.environments.cancel(caller, key))


@router.delete("/{key}")
def remove(services: Services, caller: Caller, key: Key) -> EnvironmentSchema:
    """Remove an environment to make room, as an administrator."""
    return EnvironmentSchema.of(services.environments.free(caller, key))


def _leaving(found: Sequence[Leaving]) -> LeavingList:
    items = [LeavingOut.model_validate(each) for each in found]
    return LeavingList(items=items, total=len(items), bytes=sum(each.size_bytes for each in items))
