"""What may be used and what was: pure rules of quotas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

WARN_FROM = 0.8


class Window(StrEnum):
    """The stretch of time that a quota is for; both are counted in UTC."""

    MINUTE = "minute"
    DAY = "day"

    def start(self, moment: dt.datetime) -> dt.datetime:
        """Return when the window that holds `moment` began."""
        utc = moment.astimezone(dt.UTC).replace(second=0, microsecond=0)
        return utc if self is Window.MINUTE else utc.replace(hour=0, minute=0)

    def end(self, moment: dt.datetime) -> dt.datetime:
        """Return when the window that holds `moment` ends and the next begins."""
        length = dt.timedelta(minutes=1) if self is Window.MINUTE else dt.timedelta(days=1)
        return self.start(moment) + length


class Measure(StrEnum):
    """What a quota counts: calls that the model answered, bases that it read, calls of the service."""

    CALLS = "calls"
    BASES = "bases"
    UPSTREAM = "upstream"


class Kind(StrEnum):
    """Whom a quota is for: each person, one person, one group's people together, everybody together."""

    EACH = "each"
    PERSON = "person"
    GROUP = "group"
    WORKSPACE = "workspace"


@dataclass(frozen=True)
class Account:
    """Whose use is counted: a person, a group or the workspace."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True)
class Quota:
    """At most `amount` of `measure` in a `window`; `name` is a person's or a group's, else empty."""

    kind: Kind
    name: str
    measure: Measure
    window: Window
    amount: int


@dataclass(frozen=True)
class Amounts:
    """How much of each measure."""

    calls: int = 0
    bases: int = 0
    upstream: int = 0

    def of(self, measure: Measure) -> int:
        """Return the amount of one measure."""
        return int(getattr(self, measure))


@dataclass(frozen=True)
class Standing:
    """How somebody stands with one quota that counts for them."""

    account: Account
    measure: Measure
    window: Window
    used: int
    amount: int
    resets_at: dt.datetime

    @property
    def remaining(self) -> int:
        """What is left of it."""
        return max(0, self.amount - self.used)

    @property
    def near(self) -> bool:
        """Whether so much is used that its owner should know."""
        return self.used >= WARN_FROM * self.amount

    @property
    def words(self) -> str:
        """Say whose it is and how much of it is used."""
        whose = {
            Kind.PERSON: "your quota",
            Kind.GROUP: f"the quota of the group {self.account.name}",
            Kind.WORKSPACE: "the workspace's quota",
        }[self.account.kind]
        return (
            f"{self.used:,} of {self.amount:,} {NAMES[self.measure]} a {self.window} of {whose} are used; "
            f"it begins anew at {self.resets_at:%Y-%m-%d %H:%M} UTC"
        )


NAMES = {Measure.CALLS: "calls", Measure.BASES: "bases", Measure.UPSTREAM: "calls of the service"}


def quotas_for(account: Account, quotas: Sequence[Quota]) -> list[Quota]:
    """Return the quotas that count for an account; a person's own take the place of those for each."""
    own = [quota for quota in quotas if (quota.kind, quota.name) == (account.kind, account.name)]
    if account.kind is not Kind.PERSON:
        return own
    said = {(quota.measure, quota.window) for quota in own}
    each = [q for q in quotas if q.kind is Kind.EACH and (q.measure, q.window) not in said]
    return own + each


def standings(
    accounts: Sequence[Account],
    quotas: Sequence[Quota],
    used: Mapping[tuple[Account, Window], Amounts],
    moment: dt.datetime,
) -> list[Standing]:
    """Return how the accounts stand with every quota that counts for one of them."""
    return [
        Standing(
            account,
            quota.measure,
            quota.window,
            used.get((account, quota.window), Amounts()).of(quota.measure),
            quota.amount,
            quota.window.end(moment),
        )
        for account in accounts
        for quota in quotas_for(account, quotas)
    ]


def exceeded(standing: Sequence[Standing], wanted: Amounts) -> Standing | None:
    """Return a quota that `wanted` would exceed, one of a day before one of a minute; None where it fits."""
    over = [each for each in standing if each.used + wanted.of(each.measure) > each.amount]
    return min(over, key=lambda each: each.window is Window.MINUTE, default=None)
