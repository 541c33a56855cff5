"""What changes while a session waits or runs: its place in the line, its use, when it will end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hub.jobs import Usage
from hub.usage import read_usage
from workspace_api.errors import UnavailableError
from workspace_api.sessions.ends import ending_of
from workspace_api.sessions.hub_client import HubClient, Servers
from workspace_api.sessions.models import SessionState
from workspace_api.sessions.queue import SessionQueue
from workspace_api.sessions.views import Activity, SessionView

NEW = dt.timedelta(seconds=3)


class Live:
    """Adds to sessions what no table holds; `servers_folder` is where servers have their control folders."""

    def __init__(
        self, queue: SessionQueue, hub: HubClient, servers_folder: Path, *, idle_minutes: int
    ) -> None:
        self._queue = queue
        self._hub = hub
        self._servers_folder = servers_folder
        self._idle_minutes = idle_minutes

    def added(self, views: Sequence[SessionView]) -> list[SessionView]:
        """Return `views` with their place in the line, their use of the machine and when they end."""
        waits = any(view.state == SessionState.WAITING for view in views)
        standings = self._queue.standings() if waits else {}
        now = dt.datetime.now(dt.UTC)
        asked = any(view.state == SessionState.RUNNING and not _is_new(view, now) for view in views)
        servers = self._servers() if asked else None
        return [
            replace(
                view,
                standing=standings.get(view.id),
                activity=self._activity(view, servers, now),
                usage=self._usage(view),
            )
            for view in views
        ]

    def _servers(self) -> Servers | None:
        try:
            return self._hub.servers()
        except UnavailableError:
            return None  # then it is not known when they were used

    def _activity(self, view: SessionView, servers: Servers | None, now: dt.datetime) -> Activity | None:
        if view.state != SessionState.RUNNING or view.started_at is None:
            return None
        used_at = view.started_at
        if not _is_new(view, now):
            if servers is None or (view.owner, view.server) not in servers:
                return None
            used_at = max(servers[view.owner, view.server] or used_at, used_at)
        ending = ending_of(
            started_at=view.started_at,
            used_at=used_at,
            idle_minutes=self._idle_minutes,
            hours=view.size.hours,
            now=now,
        )
        return Activity(max(0, int((now - used_at).total_seconds())), ending)

    def _usage(self, view: SessionView) -> Usage | None:
        if view.ended or view.control is None:
            return None
        found = read_usage(self._servers_folder / view.control)
        return Usage(**{"memory_bytes": 0, "peak_memory_bytes": 0, **found}) if found else None


def _is_new(view: SessionView, now: dt.datetime) -> bool:
    """Whether a session has started a moment ago: nobody has used it since, which JupyterHub need not say."""
    return view.started_at is not None and now - view.started_at < NEW
