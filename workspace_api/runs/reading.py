"""How a run looks to one caller."""

from __future__ import annotations

import statistics

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Action, RunFacts, may
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.queue import moment
from workspace_api.runs.views import RunView

LATEST = 20


def runs() -> Select[Run]:
    """Return the query for runs with what a view needs of other tables."""
    return select(Run).options(joinedload(Run.owner), joinedload(Run.project))


def environments_in_use() -> Select[str]:
    """Return the query for the keys of the environments that runs use, or wait for."""
    ends = [state for state in RunState if state.ended]
    return select(Run.environment_key).where(Run.state.not_in(ends))


def allowed(identity: Identity, action: Action, run: Run) -> bool:
    """Return whether the caller may do `action` to a run."""
    facts = RunFacts(run.owner.name, run.visitor, run.public, owner_is_system=run.owner.system)
    return may(identity, action, facts)


def view_of(
    run: Run,
    identity: Identity,
    *,
    position: int | None = None,
    estimate: float | None = None,
    step: str | None = None,
    reused: bool = False,
) -> RunView:
    """Return a run as `identity` sees it; `step` replaces what the row says it is doing."""
    return RunView(
        id=run.id,
        project=run.project.path,
        notebook=run.notebook,
        title=run.title,
        worksheet_title=run.worksheet_title,
        parameters=run.parameters,
        schema=run.schema,
        state=RunState(run.state),
        cell=run.cell,
        cells=run.cells,
        step=run.step if step is None else step,
        error=run.error,
        owner=None if run.owner.system else run.owner.name,
        mine=is_own(identity, run),
        public=run.public,
        example=run.example,
        cached_from=run.cached_from,
        reused=reused or run.cached_from is not None,
        commit=run.commit,
        version=run.version,
        environment_key=run.environment_key,
        backend=run.backend,
        attempt=run.attempt,
        requested_at=run.requested_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        seconds=_seconds(run),
        queue_position=position,
        estimate=estimate,
        peak_memory_bytes=run.peak_memory_bytes,
        limit_reached=run.limit_reached,
        can_cancel=not RunState(run.state).ended and allowed(identity, Action.CANCEL_RUN, run),
    )


def is_own(identity: Identity, run: Run) -> bool:
    """Whether the caller asked for this run."""
    if run.owner.system:
        return run.visitor is not None and run.visitor == identity.visitor
    return run.owner.name == identity.user


def position_of(session: Session, run: Run) -> int | None:
    """Return the place of a queued run among all that wait before it, from 1; None for any other."""
    if run.state != RunState.QUEUED:
        return None
    ahead = select(func.count()).where(Run.state == RunState.QUEUED, Run.requested_at < run.requested_at)
    if not run.example:  # examples come after everybody's
        ahead = ahead.where(Run.example.is_(False))
    return (session.scalar(ahead) or 0) + 1


def estimate_of(session: Session, project_id: int, notebook: str) -> float | None:
    """Return how many seconds the latest successful runs of a notebook took (median), or None."""
    latest = session.execute(
        select(Run.started_at, Run.finished_at)
        .where(
            Run.project_id == project_id,
            Run.notebook == notebook,
            Run.state == RunState.SUCCEEDED,
            Run.cached_from.is_(None),
        )
        .order_by(Run.requested_at.desc())
        .limit(LATEST)
    )
    took = [(finished - started).total_seconds() for started, finished in latest if started and finished]
    return statistics.median(took) if took else None


def _seconds(run: Run) -> float | None:
    if run.started_at is None:
        return None
    return max(0.0, ((run.finished_at or moment()) - run.started_at).total_seconds())
