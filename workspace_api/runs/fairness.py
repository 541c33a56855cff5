"""Which waiting run is next: those who wait for the first time come before those who were just served."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Requester:
    """Who asked: an account, and the browser's visitor id where that account is the visitors' own."""

    owner: int
    visitor: str | None


@dataclass(frozen=True)
class Waiting:
    """One run that waits; an `example` is the workspace's own, for which nobody waits."""

    id: str
    requester: Requester
    requested_at: dt.datetime
    example: bool = False


def choose(
    waiting: Iterable[Waiting],
    running: Iterable[Requester],
    last_served: Mapping[Requester, dt.datetime],
    *,
    per_person: int,
    public_at_once: int,
) -> str | None:
    """Return the id of the run to start next, or None when nobody may have another one now.

    At most `per_person` runs of one account and `public_at_once` of all visitors are under way at once, and
    one example, which is begun where nobody's run waits: the place beside it stays free for people. Among
    the rest whoever has the fewest under way comes first, then whoever was served longest ago (`last_served`
    holds when a run of theirs last began), then whoever asked first.
    """
    busy = Counter(running)
    of_visitors = sum(count for who, count in busy.items() if who.visitor is not None)

    def allowed(run: Waiting) -> bool:
        if run.example:
            return busy[run.requester] == 0
        if run.requester.visitor is not None:
            return of_visitors < public_at_once
        return busy[run.requester] < per_person

    def turn(run: Waiting) -> tuple[bool, int, dt.datetime, dt.datetime, str]:
        served = last_served.get(run.requester, LONG_AGO)
        return run.example, busy[run.requester], served, run.requested_at, run.id

    first = min(filter(allowed, waiting), key=turn, default=None)
    return None if first is None else first.id
