"""The worker: takes runs and environment builds from their queues and carries each to its end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hub.jobs import Launcher
from workspace_api.runs.execution import Execution
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.queue import Claim

if TYPE_CHECKING:
    from workspace_api.workspace import Workspace

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.2
SIGN_SECONDS = 5.0
AFTER_TROUBLE_SECONDS = 2.0
BATCH_SECONDS = 2.0
LOG_SECONDS = 60.0


class Worker:
    """Works in this process until told to stop; `owner` names it in the leases, and no two share a name."""

    def __init__(self, workspace: Workspace, launcher: Launcher, owner: str) -> None:
        self._workspace = workspace
        self._launcher = launcher
        self._owner = owner
        self._runs: list[threading.Thread] = []

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then end the jobs under way, put their runs back, and return."""
        self._clear_up()
        listener = self._workspace.runs.bell.listen()
        builds = threading.Thread(target=self._build_environments, args=(stop,), name="builds")
        again_and_again = [
            threading.Thread(target=self._repeat, args=(stop, *each), name=each[-1])
            for each in (
                (BATCH_SECONDS, self._workspace.batches.go_on, "batches go on"),
                (LOG_SECONDS, self._workspace.usage_logs.keep_all, "usage logs are written"),
            )
        ]
        for thread in (builds, *again_and_again):
            thread.start()
        next_sign = 0.0
        try:
            while not stop.is_set():
                if time.monotonic() >= next_sign:
                    self._workspace.heartbeats.beat("worker")
                    next_sign = time.monotonic() + SIGN_SECONDS
                try:
                    self._fill(stop)
                except SQLAlchemyError:
                    logger.exception("the queue cannot be read")
                    stop.wait(AFTER_TROUBLE_SECONDS)
                listener.wait(LOOK_SECONDS)
        finally:
            stop.set()
            for thread in (*self._runs, builds, *again_and_again):
                thread.join()
            listener.close()

    def _fill(self, stop: threading.Event) -> None:
        """Start runs while there is a free place and something waits."""
        self._runs = [thread for thread in self._runs if thread.is_alive()]
        while len(self._runs) < self._workspace.settings.runs.workers and not stop.is_set():
            claim = self._next()
            if claim is None:
                return
            execution = Execution(self._workspace, self._launcher, claim, stop)
            thread = threading.Thread(target=execution.carry, name=f"run {claim.run_id}")
            thread.start()
            self._runs.append(thread)

    def _next(self) -> Claim | None:
        """Take over what a lost worker left before anything new."""
        queue = self._workspace.runs.queue
        return queue.take_over(self._owner) or queue.claim(self._owner)

    def _build_environments(self, stop: threading.Event) -> None:
        """Build wanted environments, one at a time."""
        environments = self._workspace.environments
        lease = self._workspace.settings.runs.lease_seconds
        while not stop.is_set():
            try:
                key = environments.claim(self._owner, lease)
                if key is not None:
                    environments.build(key, self._owner, lease, stop)
                    self._workspace.runs.bell.ring()
                    continue
            except Exception:
                logger.exception("an environment could not be built")
                stop.wait(AFTER_TROUBLE_SECONDS)
            stop.wait(LOOK_SECONDS * 2)

    @staticmethod
    def _repeat(stop: threading.Event, seconds: float, act: Callable[[], None], what: str) -> None:
        """Do something every few seconds; trouble with it is told in the log as trouble while `what`."""
        while not stop.wait(seconds):
            try:
                act()
            except Exception:
                logger.exception("trouble while %s", what)
                stop.wait(AFTER_TROUBLE_SECONDS)

    def _clear_up(self) -> None:
        """Remove the folders of runs that ended just before their worker was lost."""
        folders = self._workspace.runs.folders
        ids = list(folders.run_ids())
        with self._workspace.database.read() as session:
            under_way = set(
                session.scalars(
                    select(Run.id).where(
                        Run.id.in_(ids), Run.state.in_([RunState.PREPARING, RunState.RUNNING])
                    )
                )
            )
        for run_id in ids:
            if run_id not in under_way:
                folders.remove(run_id)
