"""The gateway's use, quotas and agreements as pages and the API show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from workspace_api.alphagenome.quotas import Standing


@dataclass(frozen=True)
class Agreement:
    """How somebody stands with AlphaGenome's terms, and with which key they ask.

    `asks_with` is `offline` (no key is needed), `own`, `shared` or `nothing`; `hindrance` says in words why
    they cannot ask, and is empty where they can. `key_ending` is the end of their own key, if they keep one.
    """

    version: str
    accepted_at: dt.datetime | None
    asks_with: str
    hindrance: str
    key_ending: str | None
    key_kept_at: dt.datetime | None


@dataclass(frozen=True)
class Sharing:
    """That a group's people (`group` empty: everybody) may share the workspace's key."""

    group: str
    visitors: bool
    confirmed_by: str
    confirmed_at: dt.datetime


@dataclass(frozen=True)
class DayUse:
    """What was used on one day (UTC); `cached` answers were kept or shared, and cost nothing."""

    day: dt.date
    calls: int
    cached: int
    bases: int
    upstream: int


@dataclass(frozen=True)
class Usage:
    """Somebody's use: day by day, oldest first, without gaps; and how they stand with each quota."""

    user: str
    days: Sequence[DayUse]
    standing: Sequence[Standing]

    @property
    def today(self) -> DayUse:
        """The last day."""
        return self.days[-1]

    @property
    def near(self) -> Sequence[Standing]:
        """The quotas of which so much is used that its owner should know."""
        return [each for each in self.standing if each.near]


@dataclass(frozen=True)
class AccountUse:
    """What one person or group used today and in the days before."""

    kind: str
    name: str
    today: DayUse
    month: DayUse
