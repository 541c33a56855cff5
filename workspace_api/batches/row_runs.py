"""Batches of worksheets that declare none: each row has a run of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from workspace_api.batches.checking import Row, table_in
from workspace_api.batches.journal import Entry, Journal
from workspace_api.batches.making import SHOWN_REFUSALS, new_batch, not_taken
from workspace_api.batches.models import Batch
from workspace_api.batches.reading import TableError
from workspace_api.batches.sources import Sent, Uploaded, plain_name
from workspace_api.database import Database
from workspace_api.errors import ConflictError, FieldError, InvalidInputError
from workspace_api.files.service import FileService
from workspace_api.people.models import User
from workspace_api.projects.views import WorksheetView
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.service import RunService
from workspace_api.runs.views import RunView
from workspace_api.worksheets.forms import as_text
from workspace_api.worksheets.values import resolve_values

MOST_ROWS = 1_000
RUN = "run"
STATES = {RunState.SUCCEEDED: "done", RunState.FAILED: "failed"}
AGAIN = (RunState.FAILED, RunState.CANCELLED)
SOONEST = (RunState.RUNNING, RunState.PREPARING, RunState.QUEUED)
Values = Mapping[str, Any]


class RowRuns:
    """Makes and reads batches whose rows are values of a worksheet's parameters, a run for each."""

    def __init__(self, database: Database, runs: RunService, files: FileService) -> None:
        self._database = database
        self._runs = runs
        self._files = files

    def make(
        self,
        identity: Identity,
        sheet: WorksheetView,
        source: Uploaded | Sent,
        parameters: Values,
        *,
        title: str,
        fresh: bool,
    ) -> str:
        """Ask for a run of each row, with `parameters` where it has none of its own; return the batch's id.

        The batch and its runs are kept together, or nothing is. Raises InvalidInputError with an error for
        each bad value, and LimitReachedError.
        """
        rows = self._checked(identity, sheet, source, parameters)
        made = _batch(sheet, rows, parameters, source.filename, title)

        def keep(session: Session, runs: Sequence[Run]) -> None:
            made.owner_id = session.scalars(select(User.id).where(User.name == identity.user)).one()
            made.run_ids = [run.id for run in runs]
            made.run_id = made.run_ids[-1]
            session.add(made)

        each = [{**parameters, **values} for _, values in rows]
        self._runs.request_each(identity, sheet, each, title=title or None, fresh=fresh, attach=keep)
        return made.id

    def journal(self, batch: Batch) -> Journal:
        """Return what became of each row: its values, the id of its run, and how that ended."""
        names = dict.fromkeys(name for row in _values(batch) for name in row)
        journal = Journal(columns=[*names, RUN])
        found = self._found(batch)
        for number, (values, run_id) in enumerate(zip(_values(batch), batch.run_ids, strict=True), 1):
            texts = {name: as_text(value) for name, value in values.items()}
            run = found[run_id]
            state = STATES.get(RunState(run.state), "waiting")
            journal.entries[number] = Entry(state, {**texts, RUN: run_id}, run.error)
        return journal

    def rows(self, batch: Batch) -> list[Row]:
        """Return the rows; what each is about is its first value."""
        return [
            Row(number, each["line"], next(map(as_text, each["values"].values()), ""), "", "")
            for number, each in enumerate(batch.row_values or (), 1)
        ]

    def current(self, identity: Identity, batch: Batch) -> RunView:
        """Return the run whose state is that of all: one under way, else the last."""
        found = self._found(batch)
        under_way = (each for state in SOONEST for each in batch.run_ids if found[each].state == state)
        return self._runs.get(identity, next(under_way, batch.run_ids[-1]))

    def stop(self, identity: Identity, batch: Batch) -> None:
        """Stop every run that has not ended; raises ConflictError where all have."""
        if not self._runs.cancel_each(identity, batch.run_ids):
            raise ConflictError("Every run of this batch has ended already, so there is nothing to stop.")

    def again(self, identity: Identity, batch: Batch) -> None:
        """Run those rows again that failed or were stopped, as many as may wait.

        Raises LimitReachedError where more are left, and ConflictError where it is being continued already.
        """
        found = self._found(batch)
        for at, run_id in enumerate(batch.run_ids):
            if found[run_id].state in AGAIN:
                self._runs.rerun(identity, run_id, _takes_the_place(batch.id, at, run_id))

    def _checked(
        self, identity: Identity, sheet: WorksheetView, source: Uploaded | Sent, parameters: Values
    ) -> list[tuple[int, Values]]:
        """Return line and values of each row; raises InvalidInputError naming every bad value by its line."""
        rows: list[tuple[int, Values]] = []
        errors: list[FieldError] = []
        for count, (line, given) in enumerate(_lines(source), 1):
            if count > MOST_ROWS:
                words = f"There are more than {MOST_ROWS:,} rows. Send them in parts."
                raise InvalidInputError("The rows were not taken.", [FieldError("rows", words)])
            try:
                values = given
                if isinstance(source, Uploaded):
                    typed = resolve_values(sheet.schema, given, from_form=True)
                    values = {name: typed[name] for name in given}
                whole = resolve_values(sheet.schema, {**parameters, **values})
                self._files.inputs(identity, sheet.schema, whole)
            except InvalidInputError as error:
                errors += [FieldError(f"line {line}: {each.field}", each.message) for each in error.errors]
            else:
                rows.append((line, values))
        if errors or not rows:
            nothing = FieldError("rows", "There are no rows. Send some.")
            raise InvalidInputError("The rows were not taken.", errors[:SHOWN_REFUSALS] or [nothing])
        return rows

    def _found(self, batch: Batch) -> dict[str, Run]:
        with self._database.read() as session:
            return {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(batch.run_ids)))}


def _takes_the_place(batch_id: str, at: int, run_id: str) -> Callable[[Session, Run], None]:
    """Return what makes a new run that of a row, if no other has taken the old one's place meanwhile."""

    def attach(session: Session, run: Run) -> None:
        row = session.scalars(select(Batch).where(Batch.id == batch_id).with_for_update()).one()
        if row.run_ids[at] != run_id:
            raise ConflictError("This batch is being continued already. Look at its page again.")
        row.run_ids = [*row.run_ids[:at], run.id, *row.run_ids[at + 1 :]]
        row.run_id = row.run_ids[-1]

    return attach


def _values(batch: Batch) -> Iterator[Values]:
    return (each["values"] for each in batch.row_values or ())


def _lines(source: Uploaded | Sent) -> Iterator[tuple[int, Values]]:
    """Yield line and values of each row that has any; raises InvalidInputError for what is no table."""
    if isinstance(source, Sent):
        yield from ((number, row) for number, row in enumerate(source.rows, 1) if row)
        return
    try:
        lines = table_in(source.data).lines()
        _, names = next(lines, (0, []))
        for number, cells in lines:
            yield number, {name: cell for name, cell in zip(names, cells, strict=False) if name}
    except TableError as error:
        raise not_taken("table", str(error)) from None


def _batch(
    sheet: WorksheetView,
    rows: Sequence[tuple[int, Values]],
    parameters: Values,
    filename: str,
    title: str,
) -> Batch:
    return new_batch(
        sheet,
        title=title or sheet.title,
        filename=plain_name(filename),
        rows=len(rows),
        parameters=dict(parameters),
        row_values=[{"line": line, "values": dict(values)} for line, values in rows],
    )
