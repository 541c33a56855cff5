"""When a session ends by itself, and in which words: rules over plain values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from workspace_api.sessions.sizes import Size, counted

WARNED_BEFORE = dt.timedelta(minutes=10)
CULLED_EARLY = dt.timedelta(seconds=30)  # that the culler's clock and ours may differ by
BY_ADMINISTRATOR = "An administrator ended it."


@dataclass(frozen=True)
class Ending:
    """When a session will end if nothing changes: for want of use, or by the time limit of its size.

    `soon` says that its person should be warned.
    """

    at: dt.datetime
    because: Literal["idle", "time"]
    soon: bool


def ending_of(
    *, started_at: dt.datetime, used_at: dt.datetime, idle_minutes: int, hours: float, now: dt.datetime
) -> Ending | None:
    """Return when a running session ends, the earlier of the two; None where neither is set."""
    ends: list[Ending] = []
    if idle_minutes:
        ends.append(_ending(used_at, dt.timedelta(minutes=idle_minutes), "idle", now))
    if hours:
        ends.append(_ending(started_at, dt.timedelta(hours=hours), "time", now))
    return min(ends, key=lambda end: end.at, default=None)


def was_idle(used_at: dt.datetime, idle_minutes: int, now: dt.datetime) -> bool:
    """Whether a session that ended `now` had not been used for as long as it may."""
    return bool(idle_minutes) and now - used_at >= dt.timedelta(minutes=idle_minutes) - CULLED_EARLY


def idle_words(idle_minutes: int) -> str:
    """Return why an idle session ended."""
    return f"It ended because it was not used for {_period(idle_minutes / 60)}."


def time_words(size: Size) -> str:
    """Return why a session ended that reached the time limit of its size."""
    return f"It ended because it had run for {_period(size.hours)}, the longest of the size {size.title}."


def _ending(
    begun: dt.datetime, lasts: dt.timedelta, because: Literal["idle", "time"], now: dt.datetime
) -> Ending:
    at = begun + lasts
    return Ending(at, because, soon=at - now <= min(WARNED_BEFORE, lasts / 2))


def _period(hours: float) -> str:
    if hours >= 1 and hours * 2 % 1 == 0:
        return counted(hours, "hour")
    return counted(round(hours * 60, 1), "minute")
