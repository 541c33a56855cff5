"""What happens to a run, as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from auth.identity import Identity
from workspace_api.runs.views import LogText, RunView

if TYPE_CHECKING:
    from workspace_api.runs.service import RunService

SECONDS_BETWEEN_LOOKS = 0.25
LOOKS_BETWEEN_SIGNS = 60


async def follow(
    service: RunService, identity: Identity, run_id: str, offset: int = 0
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield (event, data) until the run has ended.

    `state` `{state, step, error, queue_position}` and `progress` `{cell, cells, step}` come first and at each
    change, `log` `{text, offset}` for what is written from byte `offset` on, and `sign`, without data, now
    and then, so that a connection is kept. No thread is held between two looks.
    """
    told: dict[str, dict[str, Any]] = {}
    looks = 0
    while True:
        view, piece = await run_in_threadpool(_look, service, identity, run_id, offset)
        for name, data in (("progress", _progress(view)), ("state", _state(view))):
            if told.get(name) != data:
                told[name] = data
                yield name, data
        if piece.offset > offset:
            offset = piece.offset
            yield "log", {"text": piece.text, "offset": offset}
        elif view.ended:
            return
        looks += 1
        if looks % LOOKS_BETWEEN_SIGNS == 0:
            yield "sign", {}
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def as_text(happenings: AsyncIterator[tuple[str, dict[str, Any]]]) -> AsyncIterator[str]:
    """Yield happenings as server-sent events; the id of each is the log's byte to go on from."""
    offset = 0
    async for name, data in happenings:
        offset = data.get("offset", offset)
        if name == "sign":
            yield ": still here\n\n"
        else:
            yield f"id: {offset}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def _look(service: RunService, identity: Identity, run_id: str, offset: int) -> tuple[RunView, LogText]:
    """Look at the log only after the state, so that an ended run's log is read whole."""
    return service.get(identity, run_id), service.log(identity, run_id, offset)


def _state(view: RunView) -> dict[str, Any]:
    return {
        "state": str(view.state),
        "step": view.step,
        "error": view.error,
        "queue_position": view.queue_position,
    }


def _progress(view: RunView) -> dict[str, Any]:
    return {"cell": view.cell, "cells": view.cells, "step": view.step}
