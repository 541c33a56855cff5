"""Runs: asking for one, following it, ending it, and reading its results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from auth.identity import ANONYMOUS, Identity
from auth.permissions import Action, scopes_allow
from nfs.layout import StorageLayout
from workspace_api.database import Database
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from workspace_api.files.service import FileService
from workspace_api.paging import Page
from workspace_api.people.models import User
from workspace_api.people.names import PUBLIC_USER, WORKSPACE_USER
from workspace_api.people.service import PeopleService
from workspace_api.projects.models import Project
from workspace_api.projects.service import ProjectService
from workspace_api.projects.views import WorksheetView
from workspace_api.runs import admission, events
from workspace_api.runs.admission import Asked
from workspace_api.runs.bell import Bell
from workspace_api.runs.cache import cache_key
from workspace_api.runs.folders import WorkFolders
from workspace_api.runs.limits import limits_of
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.queue import BUILDING, RunQueue
from workspace_api.runs.reading import allowed, estimate_of, position_of, runs, view_of
from workspace_api.runs.results import Results
from workspace_api.runs.tracks import GenomeView, genome_view
from workspace_api.runs.views import LogText, OpenFile, Requested, RunFile, RunView
from workspace_api.settings import Settings
from workspace_api.tokens.service import TokenService
from workspace_api.worksheets.values import resolve_values

Attach = Callable[[Session, Run], None]
AttachEach = Callable[[Session, Sequence[Run]], None]
LONGEST_TITLE = 200
LOG_PIECE = 64_000
LOG_TAIL = 8_000


class RunService:
    """What people do with runs; the worker does the rest.

    A run is seen by its owner, by administrators and, when it is public, by whoever has its address.
    """

    def __init__(
        self,
        database: Database,
        projects: ProjectService,
        environments: EnvironmentService,
        tokens: TokenService,
        people: PeopleService,
        files: FileService,
        layout: StorageLayout,
        settings: Settings,
    ) -> None:
        self._database = database
        self._files = files
        self._projects = projects
        self._environments = environments
        self._settings = settings
        self.tokens = tokens
        self.people = people
        self.queue = RunQueue(database, settings.runs)
        self.results = Results(layout)
        self.folders = WorkFolders(settings.home / "work")
        self.bell = Bell(settings.home / "run")

    def request(
        self,
        identity: Identity,
        path: str,
        notebook: str,
        *,
        ref: str | None = None,
        values: Mapping[str, Any],
        from_form: bool = False,
        title: str | None = None,
        fresh: bool = False,
        attach: Attach | None = None,
    ) -> Requested:
        """Ask for a run of a worksheet; an identical one that the caller may see answers unless `fresh`.

        `attach` is called with the row in the transaction that keeps it: what it raises, no run is kept of.

        Raises NotFoundError for a worksheet that is not there for the caller, InvalidInputError with one
        error for each bad value, and LimitReachedError when too many of theirs wait.
        """
        _refuse_reading_token(identity)
        worksheet = self._projects.worksheet(identity, path, notebook, ref)
        asked = self._asked_by(identity, worksheet, values, title, from_form=from_form)
        return self._answer(identity, asked, fresh=fresh, attach=attach)

    def request_each(
        self,
        identity: Identity,
        worksheet: WorksheetView,
        rows: Sequence[Mapping[str, Any]],
        *,
        title: str | None = None,
        fresh: bool = False,
        attach: AttachEach,
    ) -> None:
        """Ask for a run with each of these values; all of them are kept, or none.

        `attach` is called with the runs in the transaction that keeps them; rows that are answered by the
        same run have it in common. Else as `request`.
        """
        _refuse_reading_token(identity)
        asked = [self._asked_by(identity, worksheet, values, title) for values in rows]
        with self._database.read() as session:
            owner = _account(session, identity.user or PUBLIC_USER)
            found = [None if fresh else self._reusable(session, each, owner) for each in asked]
        with self._database.write() as session:
            entered = [
                admission.enter(session, each, owner, known, self._settings.runs, fresh=fresh)
                for each, known in zip(asked, found, strict=True)
            ]
            attach(session, [run for run, _ in entered])
        self.bell.ring()

    def request_example(self, path: str, notebook: str, *, values: Mapping[str, Any]) -> Requested:
        """Ask for a run that the workspace itself shows as an example of a public worksheet."""
        worksheet = self._projects.worksheet(ANONYMOUS, path, notebook)
        parameters = resolve_values(worksheet.schema, values, from_form=False)
        inputs = self._files.inputs(ANONYMOUS, worksheet.schema, parameters)
        asked = self._asked(WORKSPACE_USER, None, worksheet, parameters, None, inputs, example=True)
        return self._answer(ANONYMOUS, asked, fresh=False)

    def using(self, identity: Identity, environment_key: str) -> Sequence[RunView]:
        """Return the runs under way that use an environment: the caller's, or an administrator's all."""
        unended = [state for state in RunState if not state.ended]
        own = [] if identity.admin else _own(identity)
        where = (Run.environment_key == environment_key, Run.state.in_(unended), *own)
        with self._database.read() as session:
            rows = session.scalars(runs().join(Run.owner).where(*where).order_by(Run.requested_at).limit(100))
            return [view_of(row, identity) for row in rows if allowed(identity, Action.READ_RUN, row)]

    def rerun(self, identity: Identity, run_id: str, attach: Attach | None = None) -> Requested:
        """Compute a run again: the same commit and values, afresh, as the caller's own; else as `request`."""
        with self._database.read() as session:
            run = self._find(session, identity, run_id)
        return self.request(
            identity,
            run.project.path,
            run.notebook,
            ref=run.version or run.commit,
            values=run.parameters,
            title=run.title,
            fresh=True,
            attach=attach,
        )

    def get(self, identity: Identity, run_id: str) -> RunView:
        """Return a run; raises NotFoundError where there is none for the caller."""
        with self._database.read() as session:
            return self._view(session, self._find(session, identity, run_id), identity)

    def list(
        self,
        identity: Identity,
        *,
        project: str | None = None,
        notebook: str | None = None,
        state: str | None = None,
        page: int = 1,
        per_page: int = 30,
    ) -> Page[RunView]:
        """Return the caller's own runs, newest first."""
        where = [*_own(identity)]
        if project is not None:
            namespace, _, name = project.rpartition("/")
            where += [Project.namespace == namespace, Project.name == name]
        if notebook is not None:
            where.append(Run.notebook == notebook)
        if state is not None:
            where.append(Run.state == _state(state))
        with self._database.read() as session:
            mine = select(Run.id).join(Run.owner).join(Run.project).where(*where)
            total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
            rows = session.scalars(
                runs()
                .where(Run.id.in_(mine))
                .order_by(Run.requested_at.desc(), Run.id)
                .offset((page - 1) * per_page)
                .limit(per_page)
            ).all()
            items = [view_of(row, identity, position=position_of(session, row)) for row in rows]
        return Page(items, total, page, per_page)

    def examples(self, path: str, notebook: str) -> Sequence[RunView]:
        """Return the finished example runs of a worksheet, newest first, at most ten."""
        namespace, _, name = path.rpartition("/")
        with self._database.read() as session:
            rows = session.scalars(
                runs()
                .join(Run.project)
                .where(
                    Project.namespace == namespace,
                    Project.name == name,
                    Run.notebook == notebook,
                    Run.example,
                    Run.state == RunState.SUCCEEDED,
                )
                .order_by(Run.requested_at.desc())
                .limit(10)
            ).all()
            return [view_of(row, ANONYMOUS) for row in rows]

    def cancel(self, identity: Identity, run_id: str) -> RunView:
        """Ask a run to end; what it has by then is kept. Raises ConflictError for one that has ended."""
        with self._database.read() as session:
            run = self._find(session, identity, run_id)
        if not allowed(identity, Action.CANCEL_RUN, run):
            raise ForbiddenError("Only whoever started a run, or an administrator, may cancel it.")
        if RunState(run.state).ended:
            raise ConflictError(f"The run {run.id[:6]} has ended already ({run.state}).")
        self.queue.cancel([run_id])
        self.bell.ring()
        return self.get(identity, run_id)

    def cancel_each(self, identity: Identity, run_ids: Sequence[str]) -> int:
        """Ask those of these runs to end that have not, all at once, and return how many these are."""
        with self._database.read() as session:
            found = session.scalars(runs().where(Run.id.in_(run_ids))).all()
        going = [run for run in found if not RunState(run.state).ended]
        if not all(allowed(identity, Action.CANCEL_RUN, run) for run in going):
            raise ForbiddenError("Only whoever started a run, or an administrator, may cancel it.")
        self.queue.cancel([run.id for run in going])
        self.bell.ring()
        return len(going)

    def estimate(self, path: str, notebook: str) -> float | None:
        """Return how many seconds runs of a worksheet usually take, or None before the first."""
        namespace, _, name = path.rpartition("/")
        with self._database.read() as session:
            where = (Project.namespace == namespace, Project.name == name)
            project_id = session.scalar(select(Project.id).where(*where))
            return None if project_id is None else estimate_of(session, project_id, notebook)

    def files(self, identity: Identity, run_id: str) -> Sequence[RunFile]:
        """Return the files of a run's results; none before it has ended."""
        owner, origin, ended = self._place(identity, run_id)
        return self.results.files(owner, origin) if ended and self.results.exist(owner, origin) else []

    def open_file(self, identity: Identity, run_id: str, path: str) -> OpenFile:
        """Open one file of a run's results; raises NotFoundError."""
        owner, origin, ended = self._place(identity, run_id)
        if not ended:
            raise NotFoundError(f"The run {run_id[:6]} has no results yet. Wait until it has ended.")
        return self.results.open(owner, origin, path)

    def genome(self, identity: Identity, run_id: str) -> GenomeView:
        """Return which files of a run lie along a genome, and where to begin to look."""
        with self._database.read() as session:
            run = self._find(session, identity, run_id)
        owner, origin, _ = self._place(identity, run_id)
        files = self.files(identity, run_id)
        return genome_view(
            run.schema, run.parameters, files, lambda path: self.results.open(owner, origin, path)
        )

    def crate(self, identity: Identity, run_id: str) -> Iterator[bytes]:
        """Return the run's results with their RO-Crate as a zip file, in pieces; raises NotFoundError."""
        self.open_file(identity, run_id, "ro-crate-metadata.json").close()
        owner, origin, _ = self._place(identity, run_id)
        return self.results.archive(owner, origin)

    def picture(self, identity: Identity, run_id: str) -> bytes | None:
        """Return the first picture (PNG) of a run's notebook, or None."""
        owner, origin, ended = self._place(identity, run_id)
        if not ended:
            return None
        try:
            return self.results.picture(owner, origin)
        except NotFoundError:
            return None

    def log(self, identity: Identity, run_id: str, offset: int = 0) -> LogText:
        """Return what a run has written from byte `offset` on, at most 64 kB, and the byte to go on from."""
        with self._database.read() as session:
            run = self._find(session, identity, run_id)
        owner, origin, ended = self._place(identity, run_id)
        if not ended:
            piece = self.folders.attempt(run.id, run.attempt).log(offset, LOG_PIECE)
        else:
            try:
                piece = self.results.log(owner, origin, offset, LOG_PIECE)
            except NotFoundError:
                piece = b""
        return LogText(piece.decode("utf-8", "replace"), offset + len(piece))

    def log_tail(self, identity: Identity, run_id: str) -> str:
        """Return the last lines of what a run has written."""
        text, offset = "", 0
        while (piece := self.log(identity, run_id, offset)).offset > offset:
            text, offset = (text + piece.text)[-LOG_TAIL:], piece.offset
        return text

    def events(
        self, identity: Identity, run_id: str, offset: int = 0
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Return what happens to a run as (event, data), until it has ended; see `events.follow`."""
        return events.follow(self, identity, run_id, offset)

    def _asked_by(
        self,
        identity: Identity,
        worksheet: WorksheetView,
        values: Mapping[str, Any],
        title: str | None,
        *,
        from_form: bool = False,
    ) -> Asked:
        """Return a caller's request, checked; raises as `request` does."""
        parameters = resolve_values(worksheet.schema, values, from_form=from_form)
        visitor = None if identity.signed_in else identity.visitor or "unknown"
        inputs = self._files.inputs(identity, worksheet.schema, parameters)
        return self._asked(identity.user or PUBLIC_USER, visitor, worksheet, parameters, title, inputs)

    def _asked(
        self,
        owner: str,
        visitor: str | None,
        worksheet: WorksheetView,
        parameters: Mapping[str, Any],
        title: str | None,
        inputs: Sequence[Mapping[str, str]],
        *,
        example: bool = False,
    ) -> Asked:
        backend = self._settings.alphagenome.backend
        return Asked(
            owner=owner,
            visitor=visitor,
            worksheet=worksheet,
            parameters=parameters,
            title=checked_title(title) or worksheet.title,
            backend=backend,
            limits=limits_of(self._settings.runs, worksheet.resources),
            cache_key=cache_key(
                project=worksheet.project,
                commit=worksheet.commit,
                notebook=worksheet.notebook,
                notebook_sha256=worksheet.notebook_sha256,
                parameters=parameters,
                environment_key=worksheet.environment_key,
                backend=backend,
                inputs=inputs,
            ),
            public=example or visitor is not None,
            example=example,
        )

    def _answer(
        self, identity: Identity, asked: Asked, *, fresh: bool, attach: Attach | None = None
    ) -> Requested:
        with self._database.read() as session:
            owner = _account(session, asked.owner)
            found = None if fresh else self._reusable(session, asked, owner)
            if found is not None and (found.owner_id == owner.id or not identity.signed_in):
                return Requested(view_of(found, identity, reused=True), reused=True)
        with self._database.write() as session:
            run, reused = admission.enter(session, asked, owner, found, self._settings.runs, fresh=fresh)
            session.flush()
            if attach is not None:
                attach(session, run)
            session.refresh(run, ["owner", "project"])
            view = self._view(session, run, identity, reused=reused)
        self.bell.ring()
        return Requested(view, reused=reused)

    def _reusable(self, session: Session, asked: Asked, owner: User) -> Run | None:
        """Return the earlier identical run whose results are still there, or None."""
        twins = admission.finished_twins(session, asked, owner)
        return next((run for run in twins if self.results.exist(run.owner.name, run.id)), None)

    def _find(self, session: Session, identity: Identity, run_id: str) -> Run:
        run = session.scalar(runs().where(Run.id == run_id))
        if run is None or not allowed(identity, Action.READ_RUN, run):
            raise NotFoundError(f"There is no run {run_id[:24]}, or it is not yours.")
        return run

    def _place(self, identity: Identity, run_id: str) -> tuple[str, str, bool]:
        """Return in whose home and under which id a run's results lie, and whether it has ended."""
        with self._database.read() as session:
            run = self._find(session, identity, run_id)
            ended = RunState(run.state).ended
            if run.cached_from is None:
                return run.owner.name, run.id, ended
            original = session.scalar(runs().where(Run.id == run.cached_from))
        if original is None:
            raise NotFoundError(f"The results of the run {run_id[:6]} are no longer there.")
        return original.owner.name, original.id, ended

    def _view(self, session: Session, run: Run, identity: Identity, *, reused: bool = False) -> RunView:
        step = None
        if run.state == RunState.PREPARING and run.lease_owner is None:
            step = f"{BUILDING}: {self._environments.view(run.environment_key).last_line}"[:300].rstrip(": ")
        unended = not RunState(run.state).ended
        return view_of(
            run,
            identity,
            position=position_of(session, run),
            estimate=estimate_of(session, run.project_id, run.notebook) if unended else None,
            step=step,
            reused=reused,
        )


def _refuse_reading_token(identity: Identity) -> None:
    if not scopes_allow(identity.scopes, reading=False):
        raise ForbiddenError("This token's scopes do not let it run worksheets. Make one with scope api.")


def _account(session: Session, name: str) -> User:
    """Return the account that a run is to belong to."""
    owner = session.scalar(select(User).where(User.name == name))
    if owner is None:
        raise UnavailableError(f"The account “{name}” is missing. Run “labfork seed”.")
    return owner


def _own(identity: Identity) -> list[ColumnElement[bool]]:
    if identity.user is not None:
        return [User.name == identity.user]
    return [User.name == PUBLIC_USER, Run.visitor == (identity.visitor or "")]


def _state(state: str) -> RunState:
    try:
        return RunState(state)
    except ValueError:
        words = f"“{state[:40]}” is no state of a run; there are {', '.join(RunState)}."
        raise InvalidInputError("The list cannot be narrowed.", [FieldError("state", words)]) from None


def checked_title(title: str | None) -> str:
    """Return what a run is to be called, empty where nobody said; raises InvalidInputError."""
    shown = (title or "").strip()
    if len(shown) > LONGEST_TITLE or not (shown.isprintable()):
        words = f"A title has at most {LONGEST_TITLE} characters, on one line; this has {len(shown)}."
        raise InvalidInputError("The run was not started.", [FieldError("title", words)])
    return shown
