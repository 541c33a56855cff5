"""What the forge tells, over HTTP, in the format of GitLab's webhooks."""

from __future__ import annotations

import hmac
import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from workspace_api.errors import BadRequestError, NotSignedInError
from workspace_api.forge.hooks import TOKEN_HEADER, hook_token
from workspace_api.http import Services

router = APIRouter(prefix="/hooks", tags=["internal"])
NOWHERE = "0" * 40


@router.post("/forge", status_code=204)
async def forge_event(request: Request, services: Services) -> Response:
    """Note a push; whoever does not send the secret of the workspace's own hook is refused unread.

    Other events, and pushes to projects that the workspace does not know, are taken and forgotten.
    """
    given = request.headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(given, hook_token(services.settings).encode()):
        raise NotSignedInError(f"Only the workspace's own forge may tell of pushes; {TOKEN_HEADER} is wrong.")
    body = await request.body()
    pushed = await run_in_threadpool(_pushed, body)
    if pushed is not None:
        await run_in_threadpool(services.pushes.note, *pushed)
    return Response(status_code=204)


def _pushed(body: bytes) -> tuple[int, str] | None:
    """Return the project's number on the forge and the ref that moved; None for what is no such event."""
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not valid JSON.") from None
    if not isinstance(event, dict) or event.get("event_name") not in ("push", "tag_push"):
        return None
    number, ref, after = event.get("project_id"), event.get("ref"), event.get("after")
    if not isinstance(number, int) or not 0 < number < 1 << 31 or not isinstance(ref, str):
        return None
    return None if after == NOWHERE else (number, ref)
