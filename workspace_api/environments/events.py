"""A build's log as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from workspace_api.environments.service import EnvironmentService

SECONDS_BETWEEN_LOOKS = 0.5
LOOKS_BETWEEN_SIGNS = 30


async def log_events(environments: EnvironmentService, key: str, offset: int) -> AsyncIterator[str]:
    """Yield what is added to the log from byte `offset` on, and each new state, until the build settles.

    Events: `state` (`{"state", "error", "position"}`) and `log` (`{"text", "offset"}`, with the byte to go
    on from); a comment every quarter of a minute keeps the connection open.
    """
    told: tuple[str, str | None, int | None] | None = None
    looks = 0
    while True:
        view = await run_in_threadpool(environments.view, key)
        text, offset = await run_in_threadpool(environments.log, key, offset)
        if text:
            yield _event("log", {"text": text, "offset": offset})
        state = (view.state, view.error, view.position)
        if state != told:
            yield _event("state", {"state": state[0], "error": state[1], "position": state[2]})
            told = state
        if view.settled and not text:
            return
        looks += 1
        if looks % LOOKS_BETWEEN_SIGNS == 0:
            yield ": still here\n\n"
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def _event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
