"""Taking a request in: an identical run answers it, or a new row waits in the queue."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from workspace_api.errors import LimitReachedError
from workspace_api.people.models import User
from workspace_api.projects.views import WorksheetView
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.queue import ACTIVE, moment
from workspace_api.runs.reading import runs
from workspace_api.settings import RunSettings

UNENDED = (RunState.QUEUED, *ACTIVE)


@dataclass(frozen=True)
class Asked:
    """One request, checked: who asks for which worksheet with which values, resolved.

    `owner` is the account that the run belongs to, `visitor` the browser's id where that is the visitors'.
    """

    owner: str
    visitor: str | None
    worksheet: WorksheetView
    parameters: Mapping[str, Any]
    title: str
    backend: str
    limits: Mapping[str, float]
    cache_key: str
    public: bool
    example: bool = False


def finished_twins(session: Session, asked: Asked, owner: User) -> list[Run]:
    """Return earlier successful runs with the same results that the caller may see, their own first."""
    rows = session.scalars(
        runs()
        .where(
            Run.cache_key == asked.cache_key,
            Run.state == RunState.SUCCEEDED,
            Run.cached_from.is_(None),
            or_(Run.public, _of(owner, asked.visitor)),
        )
        .order_by(Run.finished_at.desc())
        .limit(20)
    ).all()
    return sorted(rows, key=lambda run: run.owner_id != owner.id)


def waiting_twin(session: Session, asked: Asked, owner: User) -> Run | None:
    """Return an identical run of the same person that has not ended, or None."""
    query = runs().where(
        Run.cache_key == asked.cache_key,
        Run.state.in_(UNENDED),
        Run.cancel_requested_at.is_(None),
        _of(owner, asked.visitor),
    )
    return session.scalar(query.order_by(Run.requested_at).limit(1))


def enter(
    session: Session, asked: Asked, owner: User, found: Run | None, settings: RunSettings, *, fresh: bool
) -> tuple[Run, bool]:
    """Return the run that answers a request, and whether that is one of before; a new one waits.

    `found` is an identical run that ended well. Raises LimitReachedError where a new one has no room.
    """
    if found is not None:
        own = found.owner_id == owner.id and found.visitor == asked.visitor
        return found if own else remembered(session, asked, owner, found), True
    twin = None if fresh else waiting_twin(session, asked, owner)
    if twin is not None:
        return twin, True
    check_room(session, asked, owner, settings)
    run = new_row(asked, owner)
    session.add(run)
    return run, False


def remembered(session: Session, asked: Asked, owner: User, original: Run) -> Run:
    """Return the caller's own row that stands for `original`, made now unless they have one already."""
    known = session.scalar(
        runs()
        .where(Run.cached_from == original.id, _of(owner, asked.visitor))
        .order_by(Run.requested_at.desc())
        .limit(1)
    )
    if known is not None:
        return known
    row = new_row(asked, owner)
    row.state = RunState.SUCCEEDED
    row.cached_from = original.id
    row.cell = row.cells = original.cells
    row.started_at = row.finished_at = row.requested_at
    session.add(row)
    return row


def check_room(session: Session, asked: Asked, owner: User, settings: RunSettings) -> None:
    """Raise LimitReachedError when the caller has as many runs waiting as they may."""
    waiting = _count(session, Run.owner_id == owner.id, Run.state == RunState.QUEUED)
    if asked.visitor is None:
        if waiting >= settings.queued_per_person:
            raise LimitReachedError(
                f"You have {waiting} runs waiting, as many as one person may. Wait for some, or cancel some."
            )
        return
    own = _count(session, _of(owner, asked.visitor), Run.state.in_(UNENDED))
    if own >= settings.queued_per_visitor:
        raise LimitReachedError(
            f"You have {own} runs waiting or under way, as many as a visitor may. Wait for one to end, "
            "cancel one, or sign in."
        )
    if waiting >= settings.queued_per_person:
        raise LimitReachedError(
            f"Visitors have {waiting} runs waiting, as many as there may be. Try again later, or sign in."
        )


def new_row(asked: Asked, owner: User) -> Run:
    """Return a row that waits; its id cannot be guessed, since it opens a visitor's results."""
    sheet = asked.worksheet
    return Run(
        id=secrets.token_hex(8),
        owner_id=owner.id,
        visitor=asked.visitor,
        project_id=sheet.project_id,
        commit=sheet.commit,
        version=sheet.version,
        notebook=sheet.notebook,
        notebook_sha256=sheet.notebook_sha256,
        title=asked.title,
        worksheet_title=sheet.title,
        schema=dict(sheet.schema),
        parameters=dict(asked.parameters),
        environment_key=sheet.environment_key,
        backend=asked.backend,
        limits=dict(asked.limits),
        public=asked.public,
        example=asked.example,
        cache_key=asked.cache_key,
        state=RunState.QUEUED,
        cell=0,
        cells=0,
        step="",
        attempt=0,
        requested_at=moment(),
    )


def _of(owner: User, visitor: str | None) -> ColumnElement[bool]:
    return (Run.owner_id == owner.id) & (Run.visitor.is_(None) if visitor is None else Run.visitor == visitor)


def _count(session: Session, *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Run).where(*where)) or 0
