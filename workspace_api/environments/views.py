"""Environments as the rest of the workspace sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class EnvironmentView:
    """One environment and how far its build is.

    `state` is wanted, building, ready or failed; `position` is its place in the queue of builds, from 1,
    while it is wanted; `log_tail` holds the last lines of the build's log, `last_line` the very last.
    """

    key: str
    state: str
    error: str | None
    size_bytes: int | None
    position: int | None
    wanted_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    last_used_at: dt.datetime | None
    log_tail: str
    last_line: str

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ("ready", "failed")
