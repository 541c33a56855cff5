"""Which browser a request comes from: its session, and the visitor id that it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workspace_api.cookies import BrowserSession, Cookies


@dataclass
class Browser:
    """One browser; `asked` says that a route wanted to know it, so that its visitor id must be kept."""

    session: BrowserSession | None
    visitor: str
    new: bool
    asked: bool = False

    @property
    def binding(self) -> str:
        """What a CSRF token is bound to."""
        return f"session {self.session.id}" if self.session else f"visitor {self.visitor}"


def browser_of(connection: HTTPConnection) -> Browser:
    """Return the browser behind a request, which is then given a visitor id to keep if it has none."""
    browser: Browser = connection.state.browser
    browser.asked = True
    return browser


class BrowserMiddleware:
    """Reads the cookies of each request, and sets the visitor cookie where a route asked who is calling.

    A response to which nobody's identity mattered (a stylesheet, the metrics) stays free of cookies.
    """

    def __init__(self, app: ASGIApp, cookies: Cookies) -> None:
        self.app = app
        self.cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its browser in the request's state."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        browser = self._read(Request(scope))
        scope.setdefault("state", {})["browser"] = browser

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and browser.asked and browser.new:
                kept = Response()
                self.cookies.keep_visitor(kept, browser.visitor)
                MutableHeaders(scope=message).append("set-cookie", kept.headers["set-cookie"])
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _read(self, request: Request) -> Browser:
        known = self.cookies.visitor(request)
        return Browser(
            session=self.cookies.session(request),
            visitor=known or self.cookies.new_visitor(),
            new=known is None,
        )
