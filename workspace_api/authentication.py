"""From what a request carries to who is calling."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections.abc import Callable

import httpx

from auth.identity import Identity
from auth.secrets import TOKEN_PREFIX
from workspace_api.errors import NotSignedInError, UnavailableError
from workspace_api.people.service import PeopleService
from workspace_api.settings import HubSettings
from workspace_api.tokens.service import TokenService

ACCESS_SCOPES = frozenset({"access:services!service=web", "access:services"})
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 10_000


class Authentication:
    """Tells who is calling: by a personal token, a JupyterHub token, or a browser's session."""

    def __init__(self, people: PeopleService, tokens: TokenService, hub: HubTokens) -> None:
        self._people = people
        self._tokens = tokens
        self._hub = hub

    def by_token(self, secret: str) -> Identity:
        """Return the person a bearer token stands for.

        Raises NotSignedInError when it stands for nobody, and UnavailableError when JupyterHub, whose
        token it may be, does not answer.
        """
        if secret.startswith(TOKEN_PREFIX):
            identity = self._tokens.identify(secret)
        else:
            name = self._hub.user_of(secret)
            identity = None if name is None else self._people.identity_of(name)
        if identity is None:
            raise NotSignedInError("This token is unknown, expired or revoked. Make a new one.")
        return identity

    def by_session(self, user: str, visitor: str) -> Identity:
        """Return the person whose session it is, or the visitor where the account is closed."""
        identity = self._people.identity_of(user)
        if identity is None:
            return Identity(visitor=visitor)
        return dataclasses.replace(identity, visitor=visitor)


class HubTokens:
    """Asks JupyterHub whose token this is; each answer is remembered for half a minute."""

    def __init__(self, settings: HubSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = settings.api_url
        self._client = httpx.Client(timeout=10, trust_env=False)
        self._clock = clock
        self._known: dict[str, tuple[float, str | None]] = {}
        self._lock = threading.Lock()

    def user_of(self, secret: str) -> str | None:
        """Return the hub user whose token this is, if it lets them use our service; else None.

        Raises UnavailableError when the hub does not answer.
        """
        if not self._url or not secret.isascii() or not secret.isprintable():
            return None
        key = hashlib.sha256(secret.encode()).hexdigest()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        name = self._ask(secret)
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (self._clock() + REMEMBERED_SECONDS, name)
        return name

    def _ask(self, secret: str) -> str | None:
        try:
            answer = self._client.get(f"{self._url}/user", headers={"Authorization": f"token {secret}"})
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"JupyterHub at {self._url} does not answer ({type(error).__name__}), so the token could not "
                "be checked. Try again in a moment."
            ) from None
        if answer.status_code in (401, 403):
            return None
        if answer.status_code != 200:
            raise UnavailableError(
                f"JupyterHub at {self._url} answered {answer.status_code}; the token could not be checked."
            )
        user = answer.json()
        allowed = user.get("kind") == "user" and not ACCESS_SCOPES.isdisjoint(user.get("scopes", ()))
        return str(user["name"]) if allowed else None
