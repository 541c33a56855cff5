"""The cookies of a workspace: their names, how long they last, and how they are set."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from auth.seals import Seal
from workspace_api.settings import Settings

SESSION_SECONDS = 12 * 3600
SIGN_IN_SECONDS = 600
VISITOR_SECONDS = 365 * 86400
_VISITOR = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True)
class BrowserSession:
    """A signed-in browser: an id of its own, and the account."""

    id: str
    user: str


class Cookies:
    """Reads and sets the cookies of one workspace.

    Cookies know hosts but not ports, so each name carries a mark of the workspace: two workspaces on one
    machine do not sign each other's people out.
    """

    def __init__(self, settings: Settings) -> None:
        key = settings.secret_key.get_secret_value()
        mark = hashlib.sha256(b"cookie names" + key.encode()).hexdigest()[:8]
        self.session_name = f"labfork-session-{mark}"
        self.visitor_name = f"labfork-visitor-{mark}"
        self.sign_in_name = f"labfork-signin-{mark}"
        self.secure = settings.public_url.startswith("https:")
        self._session = Seal(key, "session cookie", SESSION_SECONDS)
        self._sign_in = Seal(key, "sign-in cookie", SIGN_IN_SECONDS)

    def session(self, request: Request) -> BrowserSession | None:
        """Return the session that the browser keeps, unless there is none or it is over."""
        values = self._session.open(request.cookies.get(self.session_name, ""))
        return BrowserSession(values["id"], values["user"]) if values else None

    def start_session(self, response: Response, user: str) -> None:
        """Sign the browser in as `user`, for 12 hours."""
        sealed = self._session.seal({"id": secrets.token_urlsafe(16), "user": user})
        self._set(response, self.session_name, sealed, SESSION_SECONDS)

    def end_session(self, response: Response) -> None:
        """Sign the browser out."""
        response.delete_cookie(self.session_name, path="/", secure=self.secure, httponly=True)

    def visitor(self, request: Request) -> str | None:
        """Return the visitor id that the browser keeps, if it looks like one of ours."""
        value = request.cookies.get(self.visitor_name, "")
        return value if _VISITOR.fullmatch(value) else None

    def new_visitor(self) -> str:
        """Return a fresh visitor id: 24 random bytes, 32 characters."""
        return secrets.token_urlsafe(24)

    def keep_visitor(self, response: Response, visitor: str) -> None:
        """Ask the browser to keep its visitor id for a year."""
        self._set(response, self.visitor_name, visitor, VISITOR_SECONDS)

    def sign_in(self, request: Request) -> dict[str, str] | None:
        """Return what was kept when the browser left for the hub's sign-in page."""
        return self._sign_in.open(request.cookies.get(self.sign_in_name, ""))

    def keep_sign_in(self, response: Response, values: dict[str, str]) -> None:
        """Keep `values` in the browser while it is at the hub's sign-in page, ten minutes at most."""
        self._set(response, self.sign_in_name, self._sign_in.seal(values), SIGN_IN_SECONDS)

    def forget_sign_in(self, response: Response) -> None:
        """Drop what was kept for the sign-in."""
        response.delete_cookie(self.sign_in_name, path="/", secure=self.secure, httponly=True)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self.secure
        )
