"""The hub's part in a browser's sign-in: OAuth with PKCE, through JupyterHub's own client class."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from workspace_api.authentication import ACCESS_SCOPES
from workspace_api.errors import ForbiddenError, UnavailableError
from workspace_api.settings import Settings

if TYPE_CHECKING:
    from jupyterhub.services.auth import HubOAuth

CLIENT_ID = "service-web"


@dataclass(frozen=True)
class Departure:
    """A browser on its way to the hub: where it goes, and what must be true when it comes back."""

    address: str
    state: str
    verifier: str


class HubSignIn:
    """Sends browsers to the hub's sign-in, and finds out who came back.

    Every method raises UnavailableError where there is no hub, or none that answers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def depart(self) -> Departure:
        """Return where to send a browser that wants to sign in."""
        hub = self._reachable()
        state = secrets.token_urlsafe(24)
        verifier, challenge, method = hub.generate_pkce_code_challenge()
        query = urlencode({"state": state, "code_challenge": challenge, "code_challenge_method": method})
        return Departure(f"{hub.login_url}&{query}", state, verifier)

    async def arrive(self, code: str, verifier: str) -> str:
        """Return the name of the hub user whose sign-in gave `code`.

        Raises ForbiddenError when the code is no good or the user may not use the workspace.
        """
        from tornado.web import HTTPError

        hub = self._reachable()
        try:
            token = await hub.token_for_code(code, code_verifier=verifier, sync=False)
            user = await hub.user_for_token(token, use_cache=False, sync=False)
        except HTTPError as error:
            if "Failed to connect" in str(error.log_message) or error.status_code == 502:
                raise self._unavailable() from None
            raise ForbiddenError(
                "JupyterHub did not accept this sign-in; it may have been used already. Sign in again."
            ) from None
        if user is None or user.get("kind") != "user" or not hub.check_scopes(hub.access_scopes, user):
            raise ForbiddenError("JupyterHub does not let this account use the workspace.")
        return str(user["name"])

    def _reachable(self) -> HubOAuth:
        if self._client is None:
            raise self._unavailable()
        return self._client

    @cached_property
    def _client(self) -> HubOAuth | None:
        """JupyterHub's own client; loaded by the first sign-in, for it brings much that no page needs."""
        from jupyterhub.services.auth import HubOAuth

        hub = self._settings.hub
        if not hub.api_url or not hub.token.get_secret_value():
            return None
        return HubOAuth(
            api_url=hub.api_url,
            api_token=hub.token.get_secret_value(),
            oauth_client_id=CLIENT_ID,
            oauth_redirect_uri=f"{self._settings.public_url}/oauth_callback",
            hub_prefix="/hub/",
            access_scopes=set(ACCESS_SCOPES),
        )

    def _unavailable(self) -> UnavailableError:
        where = f"at {self._settings.hub.api_url} " if self._settings.hub.api_url else ""
        return UnavailableError(
            f"JupyterHub {where}does not answer, and it is where people sign in. Try again in a minute."
        )
