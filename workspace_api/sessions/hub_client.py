"""Asks JupyterHub to start and stop people's servers, and what it knows of them."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

import httpx

from hub.plain_http import NO_TLS
from workspace_api.errors import UnavailableError
from workspace_api.settings import HubSettings

SECONDS = 30
REMEMBERED_SECONDS = 2.0
ON_A_PAGE = 100

Servers = Mapping[tuple[str, str], dt.datetime | None]


class HubRefusedError(UnavailableError):
    """JupyterHub answered, and would not."""


class HubClient:
    """JupyterHub's REST API, by the web process's own token; it may be used by many threads."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._seen = 0.0
        self._known: Servers | UnavailableError = {}

    def start(self, user: str, server: str) -> None:
        """Ask for a server; JupyterHub goes on by itself. One that is there already is left as it is."""
        person = f"/users/{quote(user, safe='')}"
        with self._talking() as client:
            if self._answer(client.post(f"{person}/servers/{server}", json={}), 400, 404).status_code == 404:
                self._answer(client.post(person), 409)  # JupyterHub has not seen this person yet
                self._answer(client.post(f"{person}/servers/{server}", json={}), 400)

    def stop(self, user: str, server: str) -> None:
        """End a server and forget it; one that is not there is no error."""
        with self._talking() as client:
            path = f"/users/{quote(user, safe='')}/servers/{server}"
            self._answer(client.request("DELETE", path, json={"remove": True}), 404, 400)

    def touch(self, user: str, server: str) -> None:
        """Have a server count as used now; it then is not ended for want of use."""
        moment = dt.datetime.now(dt.UTC).isoformat()
        body = {"servers": {server: {"last_activity": moment}}}
        with self._talking() as client:
            self._answer(client.post(f"/users/{quote(user, safe='')}/activity", json=body))
        with self._lock:
            self._seen = 0.0

    def servers(self, *, fresh: bool = False) -> Servers:
        """Return the servers that run, start or stop, by person and name, with when each was used last.

        However many ask, JupyterHub is asked once in two seconds; with `fresh` now.
        """
        with self._lock:
            if fresh or time.monotonic() - self._seen > REMEMBERED_SECONDS:
                try:
                    self._known = self._read()
                except UnavailableError as error:
                    self._known = error
                self._seen = time.monotonic()
            if isinstance(self._known, UnavailableError):
                raise UnavailableError(self._known.detail)
            return self._known

    def _read(self) -> Servers:
        found: dict[tuple[str, str], dt.datetime | None] = {}
        people: list[dict[str, object]] | None = None
        offset = 0
        with self._talking() as client:
            while people is None or len(people) == ON_A_PAGE:
                asked: dict[str, str | int] = {"state": "active", "limit": ON_A_PAGE, "offset": offset}
                people = self._answer(client.get("/users", params=asked)).json()
                offset += ON_A_PAGE
                for person in people:
                    found.update(_servers_of(person))
        return found

    @contextmanager
    def _talking(self) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"token {self._settings.token.get_secret_value()}"}
        transport = httpx.HTTPTransport(retries=2, verify=NO_TLS)
        try:
            with httpx.Client(
                base_url=self._settings.api_url,
                headers=headers,
                timeout=SECONDS,
                transport=transport,
                verify=NO_TLS,
            ) as client:
                yield client
        except httpx.TransportError as error:
            raise UnavailableError(
                f"JupyterHub does not answer ({type(error).__name__}). Try again."
            ) from error

    def _answer(self, response: httpx.Response, *expected: int) -> httpx.Response:
        if response.is_error and response.status_code not in expected:
            raise HubRefusedError(
                f"JupyterHub refused to start or stop the session ({response.status_code}). Try again; an "
                "administrator finds the cause in the log hub.log."
            )
        return response


def _servers_of(person: Mapping[str, object]) -> Servers:
    servers = person.get("servers")
    if not isinstance(servers, dict):
        return {}
    return {
        (str(person["name"]), name): _moment(server["last_activity"])
        for name, server in servers.items()
        if server["ready"] or server["pending"]
    }


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
