"""Keeps the table of sessions true to JupyterHub, whatever was killed meanwhile."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence

from workspace_api.database import now
from workspace_api.errors import UnavailableError
from workspace_api.people.models import User
from workspace_api.sessions.hub_client import HubClient
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.queue import OPEN, SessionQueue
from workspace_api.sessions.table import UNENDED, SessionTable
from workspace_api.sessions.views import SessionView

SETTLING = dt.timedelta(seconds=10)
LOOK_FOR_LEFT_SECONDS = 60.0
MOST_ASKS = 3
MOST_SESSIONS = 10_000
LOST = "It ended because the workspace was stopped or started again, or because JupyterHub gave it up."
CUT_OFF = "JupyterHub stopped while the session was being prepared. Open it again; nothing is lost."
logger = logging.getLogger(__name__)


class Upkeep:
    """Compares open sessions with what JupyterHub knows; `end` ends a session with all that belongs to it."""

    def __init__(
        self,
        table: SessionTable,
        queue: SessionQueue,
        hub: HubClient,
        end: Callable[[str, SessionState, str | None, str | None], None],
    ) -> None:
        self._table = table
        self._queue = queue
        self._hub = hub
        self._end = end
        self._looked = 0.0

    def go_on(self) -> None:
        """Do what is due: end what is gone, ask again for what was never started, let the next ones in.

        Now and then also stop what was left over; raises UnavailableError when JupyterHub does not answer.
        """
        if self._table.count(UNENDED):
            self.settle(self._table.list(OPEN, limit=MOST_SESSIONS))
            for session_id, error in self._queue.admit().items():
                logger.warning("the session %s does not start: %s", session_id, error.detail)
        if time.monotonic() - self._looked > LOOK_FOR_LEFT_SECONDS:
            self._looked = time.monotonic()
            self._end_left_over()

    def settle(self, views: Sequence[SessionView]) -> list[SessionView]:
        """Return `views` as they are after a look at JupyterHub; as they were when it does not answer.

        A session that ran and is not known there has ended. One that was being prepared is asked for again,
        as its server's start is what goes on with it, up to `MOST_ASKS` times.
        """
        settled = []
        try:
            for view in views:
                if self._due(view) and (view.owner, view.server) not in self._hub.servers():
                    self._lost(view)
                    view = self._table.find(WorkSession.id == view.id) or view  # noqa: PLW2901
                settled.append(view)
        except UnavailableError:
            return list(views)
        return settled

    def _end_left_over(self) -> None:
        """Stop servers whose session has ended: whoever ended it was killed before JupyterHub was told."""
        for user, server in self._hub.servers(fresh=True):
            view = self._table.find(User.name == user, WorkSession.server == server)
            if view is not None and view.ended_at is not None and view.ended_at < now() - SETTLING:
                logger.info("the server %s of %s is stopped: its session has ended", server, user)
                self._hub.stop(user, server)

    def _due(self, view: SessionView) -> bool:
        """Whether JupyterHub should know a session by now."""
        if view.ended or view.state == SessionState.WAITING:
            return False
        return (view.asked_at or view.opened_at) < now() - SETTLING

    def _lost(self, view: SessionView) -> None:
        if view.state == SessionState.RUNNING:
            self._end(view.id, SessionState.STOPPED, None, LOST)
        elif view.asks < MOST_ASKS:
            self._queue.ask_again(view)
        else:
            self._end(view.id, SessionState.FAILED, CUT_OFF, None)
