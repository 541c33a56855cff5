"""JupyterHub's sign-in by the workspace's own accounts, which it asks about over HTTP."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx
from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Float, Unicode, default

INTERNAL = "/api/v1/internal"


class LocalAuthenticator(Authenticator):  # type: ignore[misc]
    """Asks the web service of the workspace whether a name and a password belong together.

    While people are signed in it asks now and then whether their accounts are still open. It holds no
    database. When the service refuses for a while, or does not answer, the sign-in page says so.
    """

    workspace_url = Unicode(
        help="Address of the workspace's web service, such as http://127.0.0.1:8001."
    ).tag(config=True)
    workspace_token = Unicode(help="Shared secret that proves this hub to the web service.").tag(config=True)
    workspace_timeout = Float(15.0, help="Seconds to wait for the web service's answer.").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """Return the account's name and whether it administers, or None when name or password is wrong.

        Raises tornado's HTTPError with words for the sign-in page: 429 after too many failures, 503 when
        the web service does not answer.
        """
        question = {
            "name": data.get("username", ""),
            "password": data.get("password", ""),
            "address": handler.request.remote_ip or "",
        }
        try:
            answer = await self._ask("POST", "/sign-in", json=question)
        except httpx.HTTPError:
            raise _unavailable() from None
        if answer.status_code == 200:
            account = answer.json()
            return {"name": account["name"], "admin": bool(account["admin"])}
        if answer.status_code == 429:
            raise web.HTTPError(429, answer.json()["detail"])
        if answer.status_code in (403, 422):
            return None
        self.log.error("The workspace at %s answered %d", self.workspace_url, answer.status_code)
        raise _unavailable()

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:
        """Return whether a signed-in person's account is still open, and whether it administers.

        JupyterHub asks every `auth_refresh_age` seconds. While the web service does not answer nobody is
        sent away.
        """
        try:
            answer = await self._ask("GET", f"/people/{quote(user.name, safe='')}")
        except httpx.HTTPError:
            return True
        if answer.status_code == 404:
            return False
        if answer.status_code != 200:
            return True
        return {"name": user.name, "admin": bool(answer.json()["admin"])}

    @default("auth_refresh_strict")
    def _refusals_are_final(self) -> bool:
        """A closed account is closed for its tokens too."""
        return True

    def normalize_username(self, username: str) -> str:
        """Return `username` as accounts are looked up: without surrounding space, in small letters."""
        return str(super().normalize_username(username.strip()))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What a client would make anew for each question, of all certificates there are."""
        return httpx.create_ssl_context(trust_env=False)

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        address = self.workspace_url.rstrip("/") + INTERNAL + path
        headers = {"Authorization": f"Bearer {self.workspace_token}"}
        try:
            async with httpx.AsyncClient(
                timeout=self.workspace_timeout, trust_env=False, verify=self._tls
            ) as client:
                return await client.request(method, address, headers=headers, **more)
        except httpx.HTTPError as error:
            self.log.warning("The workspace at %s does not answer: %r", self.workspace_url, error)
            raise


def _unavailable() -> web.HTTPError:
    return web.HTTPError(
        503, "The workspace does not answer, so passwords cannot be checked now. Try again in a minute."
    )
