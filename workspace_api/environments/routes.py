"""Environments over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from workspace_api.environments.events import log_events
from workspace_api.environments.schemas import EnvironmentSchema
from workspace_api.http import Caller, Services

router = APIRouter(prefix="/environments/{key}", tags=["environments"])
Key = Annotated[str, InPath(pattern=r"^[0-9a-z]{1,64}$", description="An environment's key.")]


@router.get("")
def environment(services: Services, _caller: Caller, key: Key) -> EnvironmentSchema:
    """Say how far an environment is."""
    return EnvironmentSchema.of(services.environments.view(key))


@router.get(
    "/log",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}, "text/event-stream": {}}}},
)
async def environment_log(
    request: Request,
    services: Services,
    _caller: Caller,
    key: Key,
    offset: Annotated[int, Query(ge=0, description="From which byte of the log.")] = 0,
) -> Response:
    """Give a build's log as text, or, where `text/event-stream` is accepted, follow it to its end."""
    await run_in_threadpool(services.environments.view, key)
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(
            log_events(services.environments, key, offset),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    text, _ = await run_in_threadpool(services.environments.log, key, offset)
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})


@router.post("/rebuild", status_code=202)
def rebuild(services: Services, caller: Caller, key: Key) -> EnvironmentSchema:
    """Build a failed environment again, as an author or an administrator."""
    return EnvironmentSchema.of(services.environments.rebuild(caller, key))
