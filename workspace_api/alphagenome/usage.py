"""What was used of the gateway: by the caller, and for administrators by everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from workspace_api.alphagenome.bookkeeping import accounts_of, read_quotas, used_now
from workspace_api.alphagenome.models import AlphaGenomeCall, AlphaGenomeCounter
from workspace_api.alphagenome.quotas import Account, Kind, Window, standings
from workspace_api.alphagenome.views import AccountUse, DayUse, Usage
from workspace_api.database import Base, Database, now
from workspace_api.errors import NotFoundError
from workspace_api.guard import require
from workspace_api.people.models import User

DAYS = 30
LINES_AT_ONCE = 2_000
LOG_COLUMNS = (
    "time",
    "method",
    "subject",
    "outputs",
    "scorers",
    "answered",
    "status",
    "bases",
    "upstream",
    "bytes",
    "milliseconds",
    "run",
    "backend",
)
LOG_HEADER = "\t".join(LOG_COLUMNS) + "\n"
CALLS = Base.metadata.tables[AlphaGenomeCall.__tablename__]  # as rows; objects of them take longer
LINES = select(CALLS).order_by(CALLS.c.at, CALLS.c.id).limit(LINES_AT_ONCE)


class UsageService:
    """Reads the gateway's book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mine(self, identity: Identity, *, days: int = DAYS) -> Usage:
        """Return the caller's use in the last `days`, and how they stand with each quota."""
        require(identity, Action.READ_OWN_USAGE, PLATFORM, "see your use of AlphaGenome")
        return self._usage(identity.user or "", days)

    def of(self, identity: Identity, user: str, *, days: int = DAYS) -> Usage:
        """Return somebody's use, to an administrator; NotFoundError for nobody."""
        require(identity, Action.READ_GATEWAY, PLATFORM, "see somebody's use of AlphaGenome")
        with self._database.read() as session:
            if session.scalar(select(User.id).where(User.name == user)) is None:
                raise NotFoundError(f"There is no account called “{user[:64]}”.")
        return self._usage(user, days)

    def everybody(self, identity: Identity, *, days: int = DAYS) -> Sequence[AccountUse]:
        """Return what the workspace, each group and each person used today and in the last `days`."""
        require(identity, Action.READ_GATEWAY, PLATFORM, "see everybody's use of AlphaGenome")
        today = Window.DAY.start(now())
        with self._database.read() as session:
            long = self._sums(session, today - dt.timedelta(days=days - 1))
            short = self._sums(session, today)
        order = {kind: at for at, kind in enumerate((Kind.WORKSPACE, Kind.GROUP, Kind.PERSON))}
        empty = DayUse(today.date(), 0, 0, 0, 0)
        return [
            AccountUse(account.kind, account.name, short.get(account, empty), use)
            for account, use in sorted(long.items(), key=lambda pair: (order[pair[0].kind], pair[0].name))
        ]

    def log(self, identity: Identity) -> Iterator[str]:
        """Yield the lines of the caller's usage log, oldest first; the first names the columns.

        They are parted by tabs. No line holds a sequence, a token or a key.
        """
        require(identity, Action.READ_OWN_USAGE, PLATFORM, "read your usage log")
        return self.lines(identity.user or "")

    def asked_since(self, moment: dt.datetime) -> Sequence[str]:
        """Return the names under which the gateway was asked something since `moment`."""
        with self._database.read() as session:
            names = select(AlphaGenomeCall.user).where(AlphaGenomeCall.at >= moment).distinct()
            return session.scalars(names).all()

    def lines(self, user: str) -> Iterator[str]:
        """Yield somebody's usage log, many lines at a time, the first of which is the header."""
        yield LOG_HEADER
        last: tuple[dt.datetime, str] | None = None
        while True:
            query = LINES.where(CALLS.c.user == user)
            if last is not None:
                query = query.where(
                    (CALLS.c.at >= last[0]) & ((CALLS.c.at > last[0]) | (CALLS.c.id > last[1]))
                )
            with self._database.read() as session:
                rows = session.execute(query).all()
            if not rows:
                return
            yield "".join(map(_line, rows))
            last = rows[-1].at, rows[-1].id

    def _usage(self, user: str, days: int) -> Usage:
        moment = now()
        first = Window.DAY.start(moment) - dt.timedelta(days=days - 1)
        table = AlphaGenomeCounter
        with self._database.read() as session:
            accounts = accounts_of(session, user)
            found = {
                row.starts_at.date(): row
                for row in session.scalars(
                    select(table)
                    .where(table.kind == Kind.PERSON, table.name == user, table.period == Window.DAY)
                    .where(table.starts_at >= first)
                )
            }
            standing = standings(accounts, read_quotas(session), used_now(session, accounts, moment), moment)
        dates = [(first + dt.timedelta(days=at)).date() for at in range(days)]
        return Usage(user, [_day(date, found.get(date)) for date in dates], standing)

    def _sums(self, session: Session, since: dt.datetime) -> dict[Account, DayUse]:
        table = AlphaGenomeCounter
        columns = (table.calls, table.cached, table.bases, table.upstream)
        rows = session.execute(
            select(table.kind, table.name, *(func.sum(column) for column in columns))
            .where(table.period == Window.DAY, table.starts_at >= since)
            .group_by(table.kind, table.name)
        )
        return {Account(Kind(kind), name): DayUse(since.date(), *sums) for kind, name, *sums in rows}


def _day(date: dt.date, row: AlphaGenomeCounter | None) -> DayUse:
    if row is None:
        return DayUse(date, 0, 0, 0, 0)
    return DayUse(date, row.calls, row.cached, row.bases, row.upstream)


def _line(row: Row[Any]) -> str:
    values = (
        f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
        row.method,
        row.subject,
        row.outputs,
        row.scorers,
        row.answered,
        row.status,
        row.bases,
        row.upstream,
        row.bytes,
        row.milliseconds,
        row.run_id or "",
        row.backend,
    )
    return "\t".join(str(value) for value in values) + "\n"
