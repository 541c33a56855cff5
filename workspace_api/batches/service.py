"""Batches: checking a table, starting, stopping and continuing the run over it, and reading its rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, may
from workspace_api.batches.checking import Checked, Row, check_lines, check_table
from workspace_api.batches.declaration import Declaration, declared, without_own
from workspace_api.batches.given import GivenRows
from workspace_api.batches.journal import Journal
from workspace_api.batches.making import SHOWN_REFUSALS, new_batch, not_taken
from workspace_api.batches.models import Batch
from workspace_api.batches.ranking import Wanted, as_csv, ranked
from workspace_api.batches.reading import TableError
from workspace_api.batches.row_runs import RowRuns
from workspace_api.batches.showing import facts, line_of, part_due, rank_of, view_of
from workspace_api.batches.sources import Kept, Sent, Source, Uploaded, plain_name
from workspace_api.batches.storage import JOURNAL, TABLE, BatchFiles, path_of
from workspace_api.batches.views import BatchLine, BatchRow, BatchView
from workspace_api.database import Database
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.files.service import FileService
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.people.models import User
from workspace_api.people.service import PeopleService
from workspace_api.projects.models import Project
from workspace_api.projects.service import ProjectService
from workspace_api.projects.views import WorksheetView
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.service import RunService, checked_title
from workspace_api.runs.views import RunView
from workspace_api.worksheets.formats import FormatError, file_path
from workspace_api.worksheets.values import resolve_values

logger = logging.getLogger(__name__)
MOST_UPLOADED = 25_000_000


class UnderWayError(ConflictError):
    """The batch has a run under way, or none is to follow any more."""


class BatchService:
    """What people do with batches. A batch is its owner's; administrators may read and stop it."""

    def __init__(
        self,
        database: Database,
        projects: ProjectService,
        runs: RunService,
        people: PeopleService,
        files: BatchFiles,
        chosen: FileService,
    ) -> None:
        self._database = database
        self._projects = projects
        self._runs = runs
        self._people = people
        self._files = files
        self._chosen = chosen
        self._each = RowRuns(database, runs, chosen)

    def check(
        self,
        identity: Identity,
        path: str,
        notebook: str,
        source: Source,
        *,
        ref: str | None = None,
        title: str | None = None,
    ) -> BatchView:
        """Check a table for a worksheet, keep its good rows in the caller's home, and start nothing.

        Raises InvalidInputError for a worksheet that takes no batches, for what is no table of variants, and
        for one without a good row, then with an error for each line.
        """
        require(identity, Action.MAKE_BATCH, PLATFORM, "upload a table")
        sheet = self._projects.worksheet(identity, path, notebook, ref)
        made = self._checked(identity, sheet, self._read(identity, source), checked_title(title))
        with self._database.write() as session:
            session.merge(made)
        return self.get(identity, made.id)

    def run(
        self,
        identity: Identity,
        path: str,
        notebook: str,
        source: Source,
        values: Mapping[str, Any],
        *,
        ref: str | None = None,
        title: str | None = None,
        fresh: bool = False,
    ) -> BatchView:
        """Run a worksheet over rows at once: one run for all where it takes batches, else one for each.

        A batch is kept with its runs, or nothing is. Raises as `check`, `start` and `RowRuns.make` do.
        """
        require(identity, Action.MAKE_BATCH, PLATFORM, "run many rows")
        sheet = self._projects.worksheet(identity, path, notebook, ref)
        table, shown = self._read(identity, source), checked_title(title)
        if declared(sheet.schema) is None:
            made_id = self._each.make(identity, sheet, table, values, title=shown, fresh=fresh)
            return self.get(identity, made_id)
        parameters = resolve_values(without_own(sheet.schema), values, from_form=False)
        made = self._checked(identity, sheet, table, shown)
        try:
            self._request(identity, made, parameters, new=True)
        except Exception:
            self._files.remove(made.owner.name, made.id)
            raise
        return self.get(identity, made.id)

    def start(
        self, identity: Identity, batch_id: str, values: Mapping[str, Any], *, from_form: bool = False
    ) -> BatchView:
        """Start the run over all rows with the other values; raises InvalidInputError for bad ones."""
        with self._database.read() as session:
            batch = self._find(session, identity, batch_id)
            require(identity, Action.START_BATCH, facts(batch), "start this batch")
        if batch.row_values is not None:
            raise ConflictError("This batch was started when it was made. Continue it, or make another.")
        parameters = resolve_values(without_own(batch.schema), values, from_form=from_form)
        self._request(identity, batch, parameters)
        return self.get(identity, batch_id)

    def resume(self, identity: Identity, batch_id: str) -> BatchView:
        """Continue with the rows that are not done; those that failed are tried again.

        Raises ConflictError where it was not started, is under way, or every row is done.
        """
        with self._database.read() as session:
            batch = self._find(session, identity, batch_id)
            require(identity, Action.START_BATCH, facts(batch), "continue this batch")
        if batch.parameters is None:
            raise ConflictError("This batch was not started yet. Start it with values for the worksheet.")
        if self._journal(batch).count("done", batch.rows) >= batch.rows:
            raise ConflictError("Every row of this batch is done; there is nothing to continue.")
        if batch.row_values is not None:
            self._each.again(identity, batch)
        else:
            self._request(identity, batch, batch.parameters, again=True)
        return self.get(identity, batch_id)

    def stop(self, identity: Identity, batch_id: str) -> BatchView:
        """Stop the run, and let none follow; rows that are done stay so.

        Raises ConflictError where none is under way or about to follow.
        """
        with self._database.read() as session:
            require(
                identity, Action.STOP_BATCH, facts(self._find(session, identity, batch_id)), "stop this batch"
            )
        with self._database.write() as session:
            batch = self._locked(session, batch_id)
            went_on, batch.goes_on = batch.goes_on, False
            run_id = batch.run_id
        if run_id is None:
            raise ConflictError("This batch was not started, so there is nothing to stop.")
        if batch.row_values is not None:
            self._each.stop(identity, batch)
            return self.get(identity, batch_id)
        try:
            self._runs.cancel(identity, run_id)
        except ConflictError:
            if not went_on:
                raise
        return self.get(identity, batch_id)

    def go_on(self) -> None:
        """Ask for the next run of each batch whose last one reached its time limit and got rows done.

        It is its owner's, with their limits: where these leave no room now, the next call asks again. A
        batch whose run ended otherwise, or can have no other, goes on no more.
        """
        ends = [state for state in RunState if state.ended]
        ended = _batches().join(Run, Run.id == Batch.run_id).where(Batch.goes_on, Run.state.in_(ends))
        with self._database.read() as session:
            batches = session.scalars(ended).all()
            runs = [session.scalars(select(Run).where(Run.id == batch.run_id)).one() for batch in batches]
        for batch, run in zip(batches, runs, strict=True):
            try:
                self._go_on_after(batch, run)
            except Exception:  # one home that cannot be read holds up nobody else's batch
                logger.exception("batch %s cannot go on now", batch.id)

    def get(self, identity: Identity, batch_id: str) -> BatchView:
        """Return a batch; raises NotFoundError where there is none for the caller."""
        with self._database.read() as session:
            batch = self._find(session, identity, batch_id)
        return self._view(batch, identity)

    def list(self, identity: Identity, *, page: int = 1, per_page: int = 30) -> Page[BatchLine]:
        """Return the caller's own batches, newest first."""
        mine = Batch.owner_id.in_(select(User.id).where(User.name == (identity.user or "")))
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(Batch).where(mine)) or 0
            rows = session.scalars(
                _batches()
                .where(mine)
                .order_by(Batch.created_at.desc(), Batch.id)
                .offset((page - 1) * per_page)
                .limit(per_page)
            ).all()
        return Page([line_of(row) for row in rows], total, page, per_page)

    def of_run(self, run_id: str) -> str | None:
        """Return the id of the batch over whose rows this, its last run, works, or None."""
        with self._database.read() as session:
            return session.scalar(select(Batch.id).where(Batch.run_id == run_id, Batch.row_values.is_(None)))

    def rows(
        self, identity: Identity, batch_id: str, wanted: Wanted, *, page: int = 1, per_page: int = 50
    ) -> Page[BatchRow]:
        """Return one page of the rows, ranked; raises InvalidInputError for an order that there is not."""
        found = self._ranked(identity, batch_id, wanted)
        begin = (page - 1) * per_page
        return Page(found[begin : begin + per_page], len(found), page, per_page)

    def table(self, identity: Identity, batch_id: str, wanted: Wanted) -> Iterator[str]:
        """Return the wanted rows as CSV, in pieces."""
        found = self._ranked(identity, batch_id, wanted)
        with self._database.read() as session:
            batch = self._find(session, identity, batch_id)
        return as_csv(found, self._journal(batch).columns)

    def _checked(
        self, identity: Identity, sheet: WorksheetView, source: Uploaded | Sent, title: str
    ) -> Batch:
        """Return a batch whose good rows are in the caller's home, and which is in no table yet."""
        checked = _checked(source, _declaration(sheet))
        person = self._people.get(str(identity.user))
        name = plain_name(source.filename)
        made = new_batch(
            sheet,
            title=title or name,
            filename=name,
            rows=len(checked.rows),
            problems=[vars(problem) for problem in checked.problems],
            problem_count=checked.problem_count,
            repeated=checked.repeated,
        )
        with self._database.read() as session:
            made.owner = session.scalars(select(User).where(User.name == person.name)).one()
            made.project = session.get_one(Project, sheet.project_id)
        self._files.write(person, made.id, checked.rows, (f"uploaded-{name}", source.data))
        return made

    def _read(self, identity: Identity, source: Source) -> Uploaded | Sent:
        """Return a table with what is in it; raises InvalidInputError for a file that cannot be read."""
        if not isinstance(source, Kept):
            return source
        try:
            where = file_path(source.path, {})
            data = self._chosen.read(identity, where, MOST_UPLOADED)
        except FormatError as error:
            raise not_taken("path", str(error)) from None
        return Uploaded(where.rpartition("/")[2], data)

    def _ranked(self, identity: Identity, batch_id: str, wanted: Wanted) -> Sequence[BatchRow]:
        with self._database.read() as session:
            batch = self._find(session, identity, batch_id)
        return ranked(self._rows(batch), self._journal(batch), rank_of(batch), wanted)

    def _rows(self, batch: Batch) -> Sequence[Row]:
        if batch.row_values is not None:
            return self._each.rows(batch)
        return self._files.rows(batch.owner.name, batch.id)

    def _journal(self, batch: Batch) -> Journal:
        if batch.row_values is not None:
            return self._each.journal(batch)
        return self._files.journal(batch.owner.name, batch.id)

    def _go_on_after(self, batch: Batch, run: Run) -> None:
        if not part_due(batch, self._files.journal(batch.owner.name, batch.id), run):
            self._halt(batch, None)
            return
        try:
            self._request_part(batch)
        except (LimitReachedError, UnavailableError) as error:
            logger.info("batch %s goes on later: %s", batch.id, error.detail)
        except UnderWayError:
            logger.info("batch %s was stopped, or another worker had it go on", batch.id)
        except WorkspaceError as error:
            self._halt(batch, error.detail)

    def _request_part(self, batch: Batch) -> None:
        """Ask for the run that follows; rows that failed are not tried again by themselves."""
        identity = self._people.identity_of(batch.owner.name)
        if identity is None:
            raise ConflictError(f"The account “{batch.owner.name}” is closed.")
        require(identity, Action.START_BATCH, facts(batch), "continue this batch")
        self._request(identity, batch, batch.parameters or {}, follows=batch.run_id)

    def _halt(self, batch: Batch, why: str | None) -> None:
        with self._database.write() as session:
            row = self._locked(session, batch.id)
            if row.run_id == batch.run_id:
                row.goes_on, row.halted = False, why

    @staticmethod
    def _locked(session: Session, batch_id: str) -> Batch:
        return session.scalars(select(Batch).where(Batch.id == batch_id).with_for_update()).one()

    def _request(
        self,
        identity: Identity,
        batch: Batch,
        parameters: Mapping[str, Any],
        *,
        new: bool = False,
        again: bool = False,
        follows: str | None = None,
    ) -> None:
        """Ask for a run, and make it the batch's in the same transaction: of two that start it, one does.

        A `new` batch is kept in it too. One that `follows` another by itself is no more wanted when somebody
        stopped the batch meanwhile.
        """
        declaration = declared(batch.schema)
        if declaration is None:
            raise ConflictError("The worksheet of this batch takes none any more. Upload the table again.")
        self._files.rows(batch.owner.name, batch.id)
        own: dict[str, Any] = {
            declaration.table: path_of(batch.id, TABLE),
            declaration.journal: path_of(batch.id, JOURNAL),
        }
        if declaration.retry is not None:
            own[declaration.retry] = again

        settled = self._files.journal(batch.owner.name, batch.id).settled(batch.rows)

        def attach(session: Session, run: Run) -> None:
            if new:
                session.merge(batch)
                session.flush()
            row = self._locked(session, batch.id)
            last = session.scalar(select(Run.state).where(Run.id == row.run_id)) if row.run_id else None
            if last is not None and not RunState(last).ended:
                raise UnderWayError("This batch is under way already. Wait for it, or stop it first.")
            if follows is not None and (row.run_id != follows or not row.goes_on):
                raise UnderWayError("This batch was stopped, or went on already.")
            row.goes_on, row.settled_before, row.halted = True, settled, None
            row.parameters = dict(parameters)
            row.run_id = run.id
            row.run_ids = [*row.run_ids, run.id]

        self._runs.request(
            identity,
            batch.project.path,
            batch.notebook,
            ref=batch.version or batch.commit,
            values={**parameters, **own},
            title=batch.title,
            fresh=True,
            attach=attach,
        )

    def _find(self, session: Session, identity: Identity, batch_id: str) -> Batch:
        batch = session.scalar(_batches().where(Batch.id == batch_id))
        if batch is None or not may(identity, Action.READ_BATCH, facts(batch)):
            raise NotFoundError(f"There is no batch {batch_id[:24]}, or it is not yours.")
        return batch

    def _view(self, batch: Batch, identity: Identity) -> BatchView:
        journal, trouble = self._journal(batch), None
        if batch.row_values is not None:
            run: RunView | None = self._each.current(identity, batch)
        else:
            run = self._runs.get(identity, batch.run_id) if batch.run_id else None
        try:
            self._rows(batch)
        except NotFoundError as error:
            trouble = error.detail
        return view_of(batch, identity, journal, run, trouble)


def _batches() -> Select[Batch]:
    return select(Batch).options(joinedload(Batch.owner), joinedload(Batch.project))


def _declaration(sheet: WorksheetView) -> Declaration:
    declaration = declared(sheet.schema)
    if declaration is None:
        words = f"The worksheet “{sheet.title}” takes no tables; its workspace.yaml declares no batch."
        raise not_taken("notebook", words)
    return declaration


def _checked(source: Uploaded | Sent, declaration: Declaration) -> Checked:
    try:
        if isinstance(source, Sent):
            checked = check_lines(GivenRows(source.rows), declaration.assembly)
        else:
            checked = check_table(source.data, declaration.assembly)
    except TableError as error:
        raise not_taken("table", str(error)) from None
    if not checked.rows:
        errors = [FieldError(f"line {each.line}", each.message) for each in checked.problems[:SHOWN_REFUSALS]]
        raise InvalidInputError(
            f"The table was not taken: none of its {checked.problem_count:,} rows can be computed.",
            errors or [FieldError("table", "There is nothing below its header. Upload one with rows.")],
        )
    return checked
