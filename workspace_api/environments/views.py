"""Environments as the rest of the workspace sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class EnvironmentView:
    """One environment and how far its build is.

    `state` is wanted, building, ready, failed or removed; `position` is its place in the queue of builds,
    from 1, while it is wanted; `log_tail` holds the last lines of the build's log, `last_line` the very last.
    """

    key: str
    state: str
    builder: str | None
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
        return self.state in ("ready", "failed", "removed")

    @property
    def seconds(self) -> float | None:
        """How long the last build took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Listed:
    """An environment in a list; `names` are its environment files."""

    key: str
    state: str
    names: tuple[str, ...]
    size_bytes: int | None
    finished_at: dt.datetime | None
    last_used_at: dt.datetime | None


@dataclass(frozen=True)
class Leaving:
    """An environment that is to make room: its bytes, its last use, and why it is this one."""

    key: str
    size_bytes: int
    used_at: dt.datetime
    reason: str
