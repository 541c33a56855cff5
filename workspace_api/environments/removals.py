"""Removing environments: when asked to, and when they are old or take up too much room."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, select, union, update
from sqlalchemy.orm import Session

from hub.environments.builder import Builder
from hub.environments.collection import Stored, surplus, unused
from workspace_api.database import Database
from workspace_api.environments.models import Environment
from workspace_api.environments.views import Leaving
from workspace_api.settings import GIB, EnvironmentSettings

logger = logging.getLogger(__name__)
IDLE_SECONDS = 3600.0  # what was used this recently stays, whatever it costs
DAY = 86_400.0
CUT_OFF = "its removal was cut off"
OLD = "nobody has used it for {days:g} days"
LARGE = "environments take up more than {gib:g} GiB, and this one was not used for longest"


@dataclass(frozen=True)
class Uses:
    """Queries for the keys of environments that must stay.

    `busy` are those of sessions and runs under way; `pinned` those that are kept for the next one.
    """

    busy: Sequence[Select[str | None]] = ()
    pinned: Sequence[Select[str]] = ()


class Removals:
    """Takes environments away so that nobody who needs one ever finds half of it, or none.

    First the row says `removed`, in a transaction that finds it unused; then the files go, under the lock of
    the key and only while the row still says so. Whoever needs it in between wants it again, and its build
    waits for the lock.
    """

    def __init__(
        self, database: Database, builder: Builder, settings: EnvironmentSettings, uses: Uses
    ) -> None:
        self._database = database
        self._builder = builder
        self._settings = settings
        self._uses = uses

    def remove(self, key: str, *, pinned_too: bool = False) -> bool:
        """Remove an environment; false, and it stays, while something uses it or a build is wanted.

        With `pinned_too` also one that is only kept for the next use.
        """
        with self._database.write() as session:
            row = session.get(Environment, key, with_for_update=True)
            if row is not None:
                if row.state not in ("ready", "removed") or key in self._staying(
                    session, pinned=not pinned_too
                ):
                    return False
                row.state = "removed"
        gone = False
        try:
            gone = self._builder.remove(key, lambda: self._state(key) in (None, "removed"))
        finally:
            if not gone:
                self._restore(key)
        return gone

    def is_busy(self, key: str) -> bool:
        """Whether a session or run that has not ended uses the environment."""
        with self._database.read() as session:
            return key in self._staying(session, pinned=False)

    def is_pinned(self, key: str) -> bool:
        """Whether the environment is kept for the next use."""
        with self._database.read() as session:
            return key in _keys(session, self._uses.pinned)

    def surplus(self) -> list[Leaving]:
        """Return which environments are to go now, and why, in the order in which they would."""
        with self._database.read() as session:
            rows = {row.key: row for row in session.scalars(select(Environment))}
            staying = self._staying(session, pinned=True)
        staying |= {key for key, row in rows.items() if row.state not in ("ready", "removed")}
        stored = {each.key: _as_used(each, rows.get(each.key)) for each in self._builder.stored()}
        chosen = {key: CUT_OFF for key, row in rows.items() if row.state == "removed" and key in stored}
        idle = time.time() - IDLE_SECONDS
        if days := self._settings.keep_days:
            before = min(idle, time.time() - days * DAY)
            for key in unused(stored.values(), in_use=staying, before=before):
                chosen.setdefault(key, OLD.format(days=days))
        if gib := self._settings.keep_gib:
            rest = [each for each in stored.values() if each.key not in chosen]
            for key in surplus(rest, int(gib * GIB), in_use=staying, before=idle):
                chosen[key] = LARGE.format(gib=gib)
        return [_leaving(stored[key], reason) for key, reason in chosen.items()]

    def collect(self) -> list[Leaving]:
        """Remove what `surplus` names, unless it is used by then; return what was removed."""
        self._builder.tidy()
        removed = [each for each in self.surplus() if self.remove(each.key)]
        for each in removed:
            logger.info("environment %s removed (%d bytes): %s", each.key, each.size_bytes, each.reason)
        return removed

    def _staying(self, session: Session, *, pinned: bool) -> set[str]:
        return _keys(session, [*self._uses.busy, *(self._uses.pinned if pinned else ())])

    def _state(self, key: str) -> str | None:
        with self._database.read() as session:
            return session.scalar(select(Environment.state).where(Environment.key == key))

    def _restore(self, key: str) -> None:
        """Let an environment that could not be removed be ready again, unless it is wanted by now."""
        with self._database.write() as session:
            session.execute(
                update(Environment)
                .where(Environment.key == key, Environment.state == "removed")
                .values(state="ready")
            )


def _keys(session: Session, queries: Sequence[Select[str] | Select[str | None]]) -> set[str]:
    if not queries:
        return set()
    return {key for key in session.scalars(union(*queries)) if key is not None}


def _as_used(stored: Stored, row: Environment | None) -> Stored:
    """Return what is stored with its last use as the table has it; without a row the builder's word holds."""
    if row is None:
        return stored
    used = row.last_used_at or row.finished_at or row.wanted_at
    return replace(stored, used_at=used.timestamp())


def _leaving(stored: Stored, reason: str) -> Leaving:
    return Leaving(stored.key, stored.bytes, dt.datetime.fromtimestamp(int(stored.used_at), dt.UTC), reason)
