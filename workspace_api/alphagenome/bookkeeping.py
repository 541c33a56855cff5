"""One transaction of the gateway's book: counters are read once, and written once."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, text
from sqlalchemy.orm import Session

from workspace_api.alphagenome.models import AlphaGenomeCall, AlphaGenomeCounter, AlphaGenomeQuota
from workspace_api.alphagenome.quotas import (
    Account,
    Amounts,
    Kind,
    Measure,
    Quota,
    Standing,
    Window,
    standings,
)
from workspace_api.database import Base, UtcDateTime
from workspace_api.groups.models import Group, GroupMember
from workspace_api.people.models import User

MINUTES_KEPT = 60
Cell = tuple[Account, Window, dt.datetime]

# Made once, of tables and not of classes: a call of the gateway must cost little, and making a statement or
# an object of a row takes longer than its execution.
TABLES = Base.metadata.tables
CALLS, COUNTERS = TABLES[AlphaGenomeCall.__tablename__], TABLES[AlphaGenomeCounter.__tablename__]
INSERT = CALLS.insert()
UPDATE = CALLS.update().where(CALLS.c.id == bindparam("call"))
USED = select(COUNTERS.c.calls, COUNTERS.c.bases, COUNTERS.c.upstream).where(
    *(COUNTERS.c[name] == bindparam(name) for name in ("kind", "name", "period", "starts_at"))
)
GROUPS = (
    select(Group.name)
    .join(GroupMember, GroupMember.group_id == Group.id)
    .join(User, User.id == GroupMember.user_id)
    .where(User.name == bindparam("user"), Group.removing.is_(False))
    .order_by(Group.name)
)
QUOTAS = select(TABLES[AlphaGenomeQuota.__tablename__]).order_by(
    AlphaGenomeQuota.kind, AlphaGenomeQuota.name, AlphaGenomeQuota.measure, AlphaGenomeQuota.period
)
# Who is about to give some of a quota waits here for whoever else is. On SQLite nothing is locked: there
# every transaction that writes waits for all others from its beginning.
LOCKED_QUOTAS = QUOTAS.with_for_update()
ADD = text(
    "INSERT INTO alphagenome_counters (kind, name, period, starts_at, calls, bases, upstream, cached) "
    "VALUES (:kind, :name, :period, :starts_at, :calls, :bases, :upstream, :cached) "
    "ON CONFLICT (kind, name, period, starts_at) DO UPDATE SET "
    + ", ".join(
        f"{column} = alphagenome_counters.{column} + excluded.{column}"
        for column in ("calls", "bases", "upstream", "cached")
    )
).bindparams(bindparam("starts_at", type_=UtcDateTime()))


@dataclass(frozen=True)
class Entry:
    """A line of the usage log."""

    id: str
    at: dt.datetime
    user: str
    token_id: str
    run_id: str | None
    backend: str
    method: str
    subject: str
    outputs: str
    scorers: int
    key: str
    answered: str = "asked"
    status: str = ""
    bases: int = 0
    upstream: int = 0
    bytes: int = 0
    milliseconds: int = 0


class Page:
    """What one transaction reads and changes, all of it at one moment."""

    def __init__(self, connection: Connection, moment: dt.datetime) -> None:
        self._connection = connection
        self.moment = moment
        self._quotas: list[Quota] | None = None
        self._accounts: dict[str, list[Account]] = {}
        self._read: dict[Cell, Amounts] = {}
        self._changes: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
        self._inserted: list[Entry] = []
        self._updated: list[Entry] = []

    def standing(self, user: str) -> list[Standing]:
        """Return how somebody stands with every quota that counts for them, now."""
        if self._quotas is None:
            self._quotas = read_quotas(self._connection, LOCKED_QUOTAS)
        if not self._quotas:
            return []
        accounts = self._accounts_of(user)
        used = {
            (account, window): self._used((account, window, window.start(self.moment)))
            for account in accounts
            for window in Window
        }
        return standings(accounts, self._quotas, used, self.moment)

    def count(self, user: str, amounts: Amounts, moment: dt.datetime, *, cached: int = 0) -> None:
        """Add to what somebody, their groups and the workspace used at `moment`; less than 0 takes away."""
        for account in self._accounts_of(user):
            for window in Window:
                change = self._changes[account, window, window.start(moment)]
                for measure in Measure:
                    change[measure] += amounts.of(measure)
                change["cached"] += cached

    def insert(self, entry: Entry) -> None:
        """Put down a line."""
        self._inserted.append(entry)

    def update(self, entry: Entry) -> None:
        """Put a line right."""
        self._updated.append(entry)

    def write(self) -> None:
        """Write what changed; counters in an order that all keep, so that no two wait for each other."""
        if self._changes:
            self._connection.execute(
                ADD,
                [
                    {"kind": account.kind, "name": account.name, "period": window, "starts_at": at, **change}
                    for (account, window, at), change in sorted(self._changes.items(), key=_place)
                ],
            )
        if self._inserted:
            self._connection.execute(INSERT, [vars(entry) for entry in self._inserted])
        if self._updated:
            self._connection.execute(UPDATE, [vars(entry) | {"call": entry.id} for entry in self._updated])

    def prune(self, keep_days: int) -> None:
        """Remove lines and days older than `keep_days`, and minutes that no quota looks at any more."""
        oldest = self.moment - dt.timedelta(days=keep_days)
        self._connection.execute(delete(AlphaGenomeCall).where(AlphaGenomeCall.at < oldest))
        for window, before in (
            (Window.DAY, oldest),
            (Window.MINUTE, self.moment - dt.timedelta(minutes=MINUTES_KEPT)),
        ):
            self._connection.execute(
                delete(AlphaGenomeCounter).where(
                    AlphaGenomeCounter.period == window, AlphaGenomeCounter.starts_at < before
                )
            )

    def _accounts_of(self, user: str) -> list[Account]:
        if user not in self._accounts:
            self._accounts[user] = accounts_of(self._connection, user)
        return self._accounts[user]

    def _used(self, cell: Cell) -> Amounts:
        """Return what is written and what this transaction will write."""
        if cell not in self._read:
            self._read[cell] = _used(self._connection, cell)
        read, change = self._read[cell], self._changes.get(cell, Counter())
        return Amounts(*(read.of(measure) + change[measure] for measure in Measure))


def _place(change: tuple[Cell, Counter[str]]) -> tuple[str, str, str, dt.datetime]:
    (account, window, starts_at), _ = change
    return account.kind, account.name, window, starts_at


def accounts_of(connection: Connection | Session, user: str) -> list[Account]:
    """Return whose use somebody's calls are: their own, their groups', the workspace's."""
    groups = connection.scalars(GROUPS, {"user": user})
    return [
        Account(Kind.PERSON, user),
        *(Account(Kind.GROUP, name) for name in groups),
        Account(Kind.WORKSPACE),
    ]


def read_quotas(connection: Connection | Session, query: Select[Any] = QUOTAS) -> list[Quota]:
    """Return every quota that an administrator has set."""
    rows = connection.execute(query)
    return [
        Quota(Kind(row.kind), row.name, Measure(row.measure), Window(row.period), row.amount) for row in rows
    ]


def used_now(
    connection: Connection | Session, accounts: Sequence[Account], moment: dt.datetime
) -> dict[tuple[Account, Window], Amounts]:
    """Return what accounts used in the present minute and day."""
    return {
        (account, window): _used(connection, (account, window, window.start(moment)))
        for account in accounts
        for window in Window
    }


def _used(connection: Connection | Session, cell: Cell) -> Amounts:
    account, window, starts_at = cell
    row = connection.execute(
        USED, {"kind": account.kind, "name": account.name, "period": window, "starts_at": starts_at}
    ).first()
    return Amounts() if row is None else Amounts(*row)
