"""Asks the workspace, as the person whose session this is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

SECONDS = 1_700  # git has 1,600 s for an operation
LONGEST_ANSWER = 4_000_000


@dataclass(frozen=True)
class Answer:
    """What the workspace said: a status of HTTP and its document."""

    status: int
    document: dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """The workspace's API, and what of it this session is about: its project, its checkout, itself."""

    api_url: str
    token: str = field(repr=False)
    project: str
    session: str
    folder: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Workspace | None:
        """Return what the environment of a session says; None where it is none."""
        names = ("API_URL", "TOKEN", "PROJECT", "SESSION", "FOLDER")
        values = [environment.get(f"LABFORK_{name}", "") for name in names]
        return cls(*values) if all(values) else None

    async def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for `path` below the API; what goes wrong is an answer too, in words."""
        address = f"{self.api_url}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        client = AsyncHTTPClient(force_instance=True, max_body_size=LONGEST_ANSWER)
        try:
            response = await client.fetch(
                address,
                method=method,
                headers=headers,
                body=None if method == "GET" else json.dumps(body or {}),
                request_timeout=SECONDS,
                follow_redirects=False,
                raise_error=False,
            )
        except (HTTPClientError, OSError) as error:
            words = f"The workspace does not answer now ({type(error).__name__}). Try again in a moment."
            return Answer(503, {"detail": words})
        finally:
            client.close()
        if response.code == 599:
            return Answer(503, {"detail": f"The workspace does not answer now. {response.reason} Try again."})
        try:
            return Answer(response.code, json.loads(response.body))
        except ValueError:
            return Answer(502, {"detail": "The workspace's answer could not be understood. Try again."})

    def project_path(self, rest: str) -> str:
        """Return a path of the API about this session's project."""
        return self.path_of(self.project, rest)

    @staticmethod
    def path_of(project: str, rest: str) -> str:
        """Return a path of the API about a project."""
        return f"/projects/{quote(project)}{rest}"
