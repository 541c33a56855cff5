"""Keeps pages and sessions apart, each at its own origin, where a workspace has two.

The proxy leads `/user/` at the sessions' host to their servers, and what else is asked of either host here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

SERVERS = "/user/"  # JupyterHub's servers, which are sessions
ABSENT = "/absent/"  # the same of the pages', for a server that the proxy does not know


class ApartMiddleware:
    """Sends browsers from the pages' host to the sessions' for a server, and back for anything else.

    So no page is ever shown, and no cookie set, where a notebook of somebody else's may run scripts.
    """

    def __init__(self, app: ASGIApp, *, pages: str, sessions: str) -> None:
        """Send between the addresses `pages` and `sessions`, without trailing slashes."""
        self.app = app
        self.pages = pages
        self.sessions = sessions
        self.sessions_host = urlsplit(sessions).hostname

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what belongs to the other host, and pass anything else on."""
        answer = self._answer(scope) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        asked = scope["raw_path"].decode("ascii", "replace")
        query = scope["query_string"].decode("ascii", "replace")
        rest = f"{asked}?{query}" if query else asked
        host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname
        if host != self.sessions_host:
            return self._to(f"{self.sessions}{rest}") if asked.startswith(SERVERS) else None
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(f"Nothing is changed at this address. Use {self.pages}.\n", 421)
        if asked.startswith(SERVERS):
            return self._to(f"{self.pages}{ABSENT}{rest.removeprefix(SERVERS)}")
        return self._to(f"{self.pages}{rest}")

    def _to(self, address: str) -> Response:
        return RedirectResponse(address, 307, {"Cache-Control": "no-store"})
