"""The queue: the table of runs, claimed with a lease and fenced by its holder and attempt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from workspace_api.database import Database
from workspace_api.environments.models import Environment
from workspace_api.runs.fairness import Requester, Waiting, choose
from workspace_api.runs.models import Run, RunState
from workspace_api.settings import RunSettings
from workspace_api.tokens.service import revoke_with

ACTIVE = (RunState.PREPARING, RunState.RUNNING)
UNCLAIMED = (RunState.QUEUED, RunState.PREPARING)
BUILDING = "Building the environment"
LOST = "The worker was lost {attempts} times while this run was under way; it was not started again."
REMEMBERED = dt.timedelta(days=1)


def moment() -> dt.datetime:
    """Return the present moment in UTC, precise enough to order requests and to time short runs."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Claim:
    """The right to work on a run: it ends when the row names another holder or attempt.

    `taken_over` says that another worker had it before and was lost, and may have started it.
    """

    run_id: str
    attempt: int
    owner: str
    taken_over: bool = False


@dataclass(frozen=True)
class Beat:
    """What a sign of life brings back: whether somebody wants the run to end."""

    cancel: bool


class RunQueue:
    """Hands runs to workers, each to one, and takes the end of each from its holder alone.

    A run whose environment is not built yet waits outside the queue, so that it holds no place.
    """

    def __init__(self, database: Database, settings: RunSettings) -> None:
        self._database = database
        self._settings = settings

    def claim(self, owner: str) -> Claim | None:
        """Give `owner` the run whose turn it is, in state preparing, or None."""
        with self._database.read() as session:
            if session.scalar(_anything_to_do()) is None:
                return None
        with self._database.write() as session:
            _set_aside(session)
            run = self._next(session)
            if run is None:
                return None
            run.state = RunState.PREPARING
            run.step = ""
            run.attempt += 1
            run.lease_owner = owner
            run.lease_expires_at = self._lease_end()
            return Claim(run.id, run.attempt, owner)

    def take_over(self, owner: str) -> Claim | None:
        """Give `owner` a run whose holder gave no sign for too long, with the attempt it had, or None."""
        expired = and_(Run.state.in_(ACTIVE), Run.lease_owner.is_not(None), Run.lease_expires_at < moment())
        with self._database.read() as session:
            if session.scalar(select(Run.id).where(expired).limit(1)) is None:
                return None
        with self._database.write() as session:
            run = session.scalar(
                select(Run)
                .where(expired)
                .order_by(Run.requested_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if run is None:
                return None
            run.lease_owner = owner
            run.lease_expires_at = self._lease_end()
            return Claim(run.id, run.attempt, owner, taken_over=True)

    def beat(self, claim: Claim) -> Beat | None:
        """Keep the lease; None when somebody else has the run by now."""
        with self._database.write() as session:
            row = session.execute(
                update(Run)
                .where(_held(claim))
                .values(lease_expires_at=self._lease_end())
                .returning(Run.cancel_requested_at)
            ).first()
        return None if row is None else Beat(row[0] is not None)

    def cancel_wanted(self, claim: Claim) -> bool:
        """Whether somebody wants the run to end; only a reading, for looking often."""
        with self._database.read() as session:
            wanted = select(Run.id).where(Run.id == claim.run_id, Run.cancel_requested_at.is_not(None))
            return session.scalar(wanted) is not None

    def note(self, claim: Claim, **values: Any) -> bool:
        """Change columns of the run, such as `state` and `cell`; false when it is no longer the holder's."""
        with self._database.write() as session:
            return _change(session, claim, values)

    def put_back(self, claim: Claim) -> bool:
        """Let the run wait again as if it had never been claimed; false when it is no longer the holder's."""
        return self._give_up(claim, {"state": RunState.QUEUED, "attempt": claim.attempt - 1, **_AS_NEW})

    def lost(self, claim: Claim) -> bool:
        """Let a run start anew whose job vanished with its worker, or fail it after the last attempt.

        Returns false when it is no longer the holder's.
        """
        if claim.attempt >= self._settings.max_attempts:
            return self.finish(claim, RunState.FAILED, error=LOST.format(attempts=claim.attempt))
        return self._give_up(claim, {"state": RunState.QUEUED, **_AS_NEW})

    def finish(
        self,
        claim: Claim,
        state: RunState,
        *,
        error: str | None = None,
        limit_reached: str | None = None,
        peak_memory_bytes: int | None = None,
    ) -> bool:
        """End the run; false, and nothing is changed, when it is no longer the holder's or has ended."""
        values: dict[str, Any] = {
            "state": state,
            "error": error,
            "limit_reached": limit_reached,
            "finished_at": moment(),
            "lease_owner": None,
            "lease_expires_at": None,
            "peak_memory_bytes": peak_memory_bytes,
        }
        return self._give_up(claim, values)

    def cancel(self, run_ids: Sequence[str]) -> None:
        """End those runs at once that nobody holds; ask the holders of the others to end them."""
        with self._database.write() as session:
            session.execute(
                update(Run)
                .where(Run.id.in_(run_ids), Run.state.in_(UNCLAIMED), Run.lease_owner.is_(None))
                .values(state=RunState.CANCELLED, finished_at=moment(), step="")
            )
            session.execute(
                update(Run)
                .where(Run.id.in_(run_ids), Run.state.in_(ACTIVE), Run.cancel_requested_at.is_(None))
                .values(cancel_requested_at=moment())
            )

    def _give_up(self, claim: Claim, values: dict[str, Any]) -> bool:
        """Change the run of which nothing runs any more: its token is worthless in the same moment."""
        with self._database.write() as session:
            changed = _change(session, claim, values)
            if changed:
                revoke_with(session, claim.run_id)
            return changed

    def _next(self, session: Session) -> Run | None:
        ready = {run.id: run for run in session.scalars(claimable())}
        if not ready:
            return None
        waiting = [Waiting(run.id, _requester(run), run.requested_at, run.example) for run in ready.values()]
        under_way = select(Run.owner_id, Run.visitor).where(
            Run.state.in_(ACTIVE), Run.lease_owner.is_not(None)
        )
        chosen = choose(
            waiting,
            [Requester(owner, visitor) for owner, visitor in session.execute(under_way)],
            _last_served(session, {run.owner_id for run in ready.values()}),
            per_person=self._settings.per_person,
            public_at_once=self._settings.public_at_once,
        )
        return None if chosen is None else ready[chosen]

    def _lease_end(self) -> dt.datetime:
        return moment() + dt.timedelta(seconds=self._settings.lease_seconds)


_AS_NEW: dict[str, Any] = {
    "cell": 0,
    "cells": 0,
    "step": "",
    "started_at": None,
    "lease_owner": None,
    "lease_expires_at": None,
}


def claimable() -> Select[Run]:
    """Return the query for runs that may start; elsewhere than on SQLite it locks what it finds."""
    return (
        select(Run)
        .where(Run.state.in_(UNCLAIMED), Run.lease_owner.is_(None), _environment_settled())
        .order_by(Run.requested_at)
        .with_for_update(skip_locked=True)
    )


def _environment_settled() -> ColumnElement[bool]:
    # Whoever claims a run whose environment was removed has it built again, and puts the run back.
    settled = select(Environment.key).where(Environment.state.in_(("ready", "failed", "removed")))
    return Run.environment_key.in_(settled)


def _anything_to_do() -> Select[str]:
    """Return a cheap query that finds a run to start or to set aside."""
    return (
        select(Run.id)
        .where(
            Run.state.in_(UNCLAIMED),
            Run.lease_owner.is_(None),
            or_(Run.state == RunState.QUEUED, _environment_settled()),
        )
        .limit(1)
    )


def _set_aside(session: Session) -> None:
    """Say of queued runs whose environment is not built that this is what they wait for."""
    session.execute(
        update(Run)
        .where(Run.state == RunState.QUEUED, ~_environment_settled())
        .values(state=RunState.PREPARING, step=BUILDING)
        .execution_options(synchronize_session=False)
    )


def _last_served(session: Session, owners: set[int]) -> dict[Requester, dt.datetime]:
    """Return when a run of each requester last began, as far as a day back."""
    rows = session.execute(
        select(Run.owner_id, Run.visitor, func.max(Run.started_at))
        .where(
            Run.owner_id.in_(owners),
            Run.requested_at > moment() - REMEMBERED,
            Run.started_at.is_not(None),
            Run.cached_from.is_(None),
        )
        .group_by(Run.owner_id, Run.visitor)
    )
    return {Requester(owner, visitor): served for owner, visitor, served in rows if served is not None}


def _requester(run: Run) -> Requester:
    return Requester(run.owner_id, run.visitor)


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(
        Run.id == claim.run_id,
        Run.lease_owner == claim.owner,
        Run.attempt == claim.attempt,
        Run.state.in_(ACTIVE),
    )


def _change(session: Session, claim: Claim, values: dict[str, Any]) -> bool:
    return bool(session.execute(update(Run).where(_held(claim)).values(**values).returning(Run.id)).all())
