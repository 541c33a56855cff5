"""The frame around each request: its mark in the log, the size of its body, and errors nobody foresaw."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workspace_api.errors import TooLargeError
from workspace_api.problems import RenderProblem, of_error, of_unexpected, respond

MAX_BODY_BYTES = 2_000_000
LARGER = {
    "/api/v1/hooks/forge": 25_000_000,  # as much as GitLab sends; read after the sender has proved itself
    "/api/v1/batches": 25_000_000,  # tables; what is larger than a megabyte of one waits on the disk
    "/api/v1/runs/batch": 25_000_000,
    "/batches": 25_000_000,
    "/batches/pick": 25_000_000,
}
DISCARDED_BYTES = 100_000_000
DISCARDED_SECONDS = 20.0
logger = logging.getLogger(__name__)


class RequestMarkMiddleware:
    """Gives each request a mark, in `request.state.request_id` and the header `X-Request-ID`.

    An exception that nothing else turned into an answer is logged with the mark, and answered with
    nothing but it.
    """

    def __init__(self, app: ASGIApp, render: RenderProblem | None) -> None:
        self.app = app
        self.render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its mark."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        mark = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = mark
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-ID"] = mark
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        except Exception:
            logger.exception("request %s failed: %s %s", mark, scope["method"], scope["path"])
            if started:
                raise  # half an answer is out: the server must break the connection
            response = respond(Request(scope), of_unexpected(mark), self.render)
            await response(scope, receive, send_marked)


class HeadMiddleware:
    """Answers HEAD as GET is answered; the server leaves the body out (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if head else scope, receive, send)


class BodyLimitMiddleware:
    """Refuses a body larger than `limit` bytes, announced or not, with 413 in words."""

    def __init__(self, app: ASGIApp, render: RenderProblem | None, limit: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.render = render
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body as it comes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = LARGER.get(scope["path"], self.limit)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            await _discard(receive)
            await self._refuse(scope, receive, send, limit)
            return
        seen = 0
        started = False
        more = True

        async def counted() -> Message:
            nonlocal seen, more
            message = await receive()
            more = message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _BodyTooLargeError
            return message

        async def send_unless_too_large(message: Message) -> None:
            nonlocal started
            if started or seen <= limit:
                started = True
                await send(message)

        # The framework may turn the exception into an answer of its own, which is not sent then.
        with contextlib.suppress(_BodyTooLargeError):
            await self.app(scope, counted, send_unless_too_large)
        if seen > limit and not started:
            if more:
                await _discard(receive)
            await self._refuse(scope, receive, send, limit)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        request = Request(scope)
        error = TooLargeError(
            f"The request is larger than {limit / 1e6:g} MB, the most that is accepted. Send less text; "
            "a large table belongs in a file of a project or of your home."
        )
        mark = str(request.state.request_id)
        response = respond(request, of_error(error, mark), self.render, {"Connection": "close"})
        await response(scope, receive, send)


async def _discard(receive: Receive) -> None:
    """Read on and keep nothing: a proxy that still sends would not see an answer that came before."""
    seen = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARDED_SECONDS):
            while seen < DISCARDED_BYTES:
                message = await receive()
                seen += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


class _BodyTooLargeError(Exception):
    """The body grew beyond the limit while it was read."""
