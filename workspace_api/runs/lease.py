"""Keeps a claim alive while its holder works, and tells when the work is to stop."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from workspace_api.runs.queue import Claim, RunQueue

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.25


class LeaseKeeper:
    """Gives signs of life for `claim` from a thread of its own, from entering the block to leaving it.

    `cancelled` is set when somebody wants the run to end, `lost` when somebody else holds it.
    """

    def __init__(self, queue: RunQueue, claim: Claim, lease_seconds: float) -> None:
        self.cancelled = threading.Event()
        self.lost = threading.Event()
        self._queue = queue
        self._claim = claim
        self._looks_between_beats = max(1, int(lease_seconds / 3 / LOOK_SECONDS))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {claim.run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        looks = 0
        while not self.lost.is_set() and not self._over.wait(LOOK_SECONDS):
            looks += 1
            try:
                self._look(beat=looks % self._looks_between_beats == 0)
            except SQLAlchemyError:  # the database may answer again before the lease is over
                logger.warning("no sign of life for run %s", self._claim.run_id, exc_info=True)

    def _look(self, *, beat: bool) -> None:
        if self._queue.cancel_wanted(self._claim):
            self.cancelled.set()
        if beat and self._queue.beat(self._claim) is None:
            self.lost.set()
