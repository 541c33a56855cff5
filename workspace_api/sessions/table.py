"""The table of sessions: finding, changing and ending them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session, selectinload

from workspace_api.database import Database, now
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.sizes import Size
from workspace_api.sessions.views import SessionView
from workspace_api.tokens.service import revoke_with

ENDED = (SessionState.STOPPED, SessionState.FAILED)
UNENDED = WorkSession.state.not_in(ENDED)


class SessionTable:
    """Every session there is or was; thread-safe."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, *conditions: ColumnElement[bool]) -> SessionView | None:
        """Return the latest session of which all of `conditions` are true, or None."""
        found = self.list(*conditions, limit=1)
        return found[0] if found else None

    def list(
        self, *conditions: ColumnElement[bool], limit: int = 100, offset: int = 0
    ) -> Sequence[SessionView]:
        """Return sessions of which all of `conditions` are true, newest first."""
        query = sessions(*conditions).order_by(
            WorkSession.opened_at.desc(), WorkSession.state, WorkSession.id
        )
        with self.database.read() as session:
            return [view_of(row) for row in session.scalars(query.limit(limit).offset(offset))]

    def count(self, *conditions: ColumnElement[bool]) -> int:
        """Return how many sessions there are of which all of `conditions` are true."""
        with self.database.read() as session:
            query = select(func.count()).select_from(WorkSession).join(WorkSession.owner).where(*conditions)
            return session.scalar(query) or 0

    def count_by_state(self) -> dict[str, int]:
        """Return how many sessions that have not ended are in each state."""
        query = select(WorkSession.state, func.count()).where(UNENDED).group_by(WorkSession.state)
        with self.database.read() as session:
            counts: dict[str, int] = dict(session.execute(query).all())
        return {str(state): counts.get(state, 0) for state in SessionState if not state.ended}

    def change(self, session_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
        """Change a session unless it has ended; false when that is so, or one of `conditions` is not true."""
        with self.database.write() as session:
            return change_row(session, session_id, *conditions, **values)

    def finish(
        self, session_id: str, state: SessionState, error: str | None = None, *, because: str | None = None
    ) -> bool:
        """End a session in `state`, and with it what its token opens; false when it had ended before."""
        ended = {"state": state, "error": error, "step": "", "ended_because": because, "ended_at": now()}
        with self.database.write() as session:
            revoke_with(session, session_id)
            return change_row(session, session_id, **ended)


def sessions(*conditions: ColumnElement[bool]) -> Select[WorkSession]:
    """Return the query for sessions of which all of `conditions` are true, with their owners."""
    query = select(WorkSession).join(WorkSession.owner).where(*conditions)
    return query.options(selectinload(WorkSession.owner))


def change_row(session: Session, session_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Change a session as `SessionTable.change` does, within a transaction."""
    changed = update(WorkSession).where(WorkSession.id == session_id, UNENDED, *conditions).values(**values)
    return bool(session.execute(changed.returning(WorkSession.id)).all())


def view_of(row: WorkSession) -> SessionView:
    """Return a row as the rest of the workspace sees it."""
    return SessionView(
        id=row.id,
        owner=row.owner.name,
        project=row.project,
        checkout_of=row.checkout_of,
        kind=row.kind,
        server=row.server,
        state=row.state,
        step=row.step,
        error=row.error,
        environment_key=row.environment_key,
        folder=row.folder,
        opened_at=row.opened_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        size=Size(name=row.size, **row.limits),
        control=row.control,
        asks=row.asks,
        asked_at=row.asked_at,
        ended_because=row.ended_because,
    )
