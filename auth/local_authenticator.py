"""JupyterHub's sign-in by the workspace's own accounts, which it asks about over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Float, Unicode

PATH = "/api/v1/internal/sign-in"


class LocalAuthenticator(Authenticator):  # type: ignore[misc]
    """Asks the web service of the workspace whether a name and a password belong together.

    It holds no database. When the service refuses for a while, or does not answer, the sign-in page says so.
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
        answer = await self._ask(question)
        if answer.status_code == 200:
            account = answer.json()
            return {"name": account["name"], "admin": bool(account["admin"])}
        if answer.status_code == 429:
            raise web.HTTPError(429, answer.json()["detail"])
        if answer.status_code in (403, 422):
            return None
        self.log.error("The workspace at %s answered %d", self.workspace_url, answer.status_code)
        raise _unavailable()

    def normalize_username(self, username: str) -> str:
        """Return `username` as accounts are looked up: without surrounding space, in small letters."""
        return str(super().normalize_username(username.strip()))

    async def _ask(self, question: dict[str, str]) -> httpx.Response:
        try:
            async with httpx.AsyncClient(timeout=self.workspace_timeout, trust_env=False) as client:
                return await client.post(
                    self.workspace_url.rstrip("/") + PATH,
                    json=question,
                    headers={"Authorization": f"Bearer {self.workspace_token}"},
                )
        except httpx.HTTPError as error:
            self.log.warning("The workspace at %s does not answer: %r", self.workspace_url, error)
            raise _unavailable() from None


def _unavailable() -> web.HTTPError:
    return web.HTTPError(
        503, "The workspace does not answer, so passwords cannot be checked now. Try again in a minute."
    )
