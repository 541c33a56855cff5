"""Asks JupyterHub to start and stop people's servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx

from workspace_api.errors import UnavailableError
from workspace_api.settings import HubSettings

SECONDS = 30


class HubClient:
    """JupyterHub's REST API, by the web process's own token."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings

    def start(self, user: str, server: str) -> None:
        """Ask for a server; JupyterHub goes on by itself. One that is there already is left as it is."""
        person = f"/users/{quote(user, safe='')}"
        with self._talking() as client:
            if self._answer(client.get(person), 404).status_code == 404:
                self._answer(client.post(person), 409)
            self._answer(client.post(f"{person}/servers/{server}", json={}), 400)

    def stop(self, user: str, server: str) -> None:
        """End a server and forget it; one that is not there is no error."""
        with self._talking() as client:
            path = f"/users/{quote(user, safe='')}/servers/{server}"
            self._answer(client.request("DELETE", path, json={"remove": True}), 404, 400)

    def servers(self, user: str) -> set[str]:
        """Return the names of a person's servers that run, start or stop."""
        with self._talking() as client:
            answer = self._answer(client.get(f"/users/{quote(user, safe='')}"), 404)
        known = answer.json().get("servers", {}) if answer.is_success else {}
        return {name for name, server in known.items() if server["ready"] or server["pending"]}

    @contextmanager
    def _talking(self) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"token {self._settings.token.get_secret_value()}"}
        transport = httpx.HTTPTransport(retries=2)
        try:
            with httpx.Client(
                base_url=self._settings.api_url, headers=headers, timeout=SECONDS, transport=transport
            ) as client:
                yield client
        except httpx.TransportError as error:
            raise UnavailableError(
                f"JupyterHub does not answer ({type(error).__name__}). Try again."
            ) from error

    def _answer(self, response: httpx.Response, *expected: int) -> httpx.Response:
        if response.is_error and response.status_code not in expected:
            raise UnavailableError(
                f"JupyterHub refused to start or stop the session ({response.status_code}). Try again; an "
                "administrator finds the cause in the log hub.log."
            )
        return response
