"""How a batch looks to one caller."""

from __future__ import annotations

from auth.identity import Identity
from auth.permissions import Action, RunFacts, may
from workspace_api.batches.checking import Problem
from workspace_api.batches.declaration import declared
from workspace_api.batches.journal import Journal
from workspace_api.batches.models import Batch
from workspace_api.batches.views import BatchLine, BatchView
from workspace_api.runs.models import Run
from workspace_api.runs.views import RunView

MOST_PARTS = 200  # runs of one batch that follow each other without a person


def facts(batch: Batch) -> RunFacts:
    """Return what decides about a batch."""
    return RunFacts(batch.owner.name)


def rank_of(batch: Batch) -> str | None:
    """Return the value by which the rows of a batch are ranked, if its worksheet names one."""
    declaration = declared(batch.schema)
    return declaration.rank if declaration else None


def part_due(batch: Batch, journal: Journal, run: Run | RunView | None) -> bool:
    """Whether another run is to follow `run`, the last one: it reached its time limit, and rows got done.

    Where all rows are done one more writes the report that the last one had no time for.
    """
    return (
        batch.goes_on
        and run is not None
        and run.limit_reached == "time"
        and len(batch.run_ids) < MOST_PARTS
        and journal.settled(batch.rows) > batch.settled_before
    )


def line_of(batch: Batch) -> BatchLine:
    """Return a batch as a list shows it."""
    return BatchLine(
        id=batch.id,
        title=batch.title,
        project=batch.project.path,
        notebook=batch.notebook,
        worksheet_title=batch.worksheet_title,
        filename=batch.filename,
        rows=batch.rows,
        problem_count=batch.problem_count,
        created_at=batch.created_at,
        run_id=batch.run_id,
    )


def view_of(
    batch: Batch, identity: Identity, journal: Journal, run: RunView | None, trouble: str | None
) -> BatchView:
    """Return a batch as `identity` sees it; `trouble` says that its rows are there no more."""
    done, failed = (journal.count(state, batch.rows) for state in ("done", "failed"))
    left = batch.rows - done
    starts = may(identity, Action.START_BATCH, facts(batch)) and trouble is None
    awaits_part = part_due(batch, journal, run)
    ended = run is not None and run.ended and not awaits_part
    return BatchView(
        id=batch.id,
        title=batch.title,
        project=batch.project.path,
        notebook=batch.notebook,
        commit=batch.commit,
        version=batch.version,
        worksheet_title=batch.worksheet_title,
        schema=batch.schema,
        parameters=batch.parameters,
        filename=batch.filename,
        owner=batch.owner.name,
        mine=batch.owner.name == identity.user,
        rows=batch.rows,
        done=done,
        failed=failed,
        problems=tuple(Problem(**problem) for problem in batch.problems),
        problem_count=batch.problem_count,
        repeated=batch.repeated,
        created_at=batch.created_at,
        state="queued" if awaits_part else _state(run, left - failed),
        run=run,
        run_ids=tuple(batch.run_ids),
        rank=rank_of(batch),
        columns=tuple(journal.columns),
        trouble=trouble,
        awaits_part=awaits_part,
        halted=batch.halted,
        each_row_runs=batch.row_values is not None,
        can_start=starts and run is None,
        can_stop=run is not None and not ended and may(identity, Action.STOP_BATCH, facts(batch)),
        can_continue=starts and ended and left > 0,
    )


def _state(run: RunView | None, waiting: int) -> str:
    if run is None:
        return "checked"
    if not run.ended:
        return str(run.state)
    return "finished" if waiting <= 0 else "stopped"
