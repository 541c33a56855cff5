"""One run, from its claim to its end."""

from __future__ import annotations

import datetime as dt
import errno
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hub.jobs import Launched, Launcher, Outcome
from nfs import beneath
from workspace_api.database import now
from workspace_api.errors import UnavailableError, WorkspaceError
from workspace_api.people.views import Person
from workspace_api.runs.collecting import HomeRefusesError, collect, promote, take_stock
from workspace_api.runs.folders import AttemptFolder
from workspace_api.runs.lease import LeaseKeeper
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.notebook_events import EventReader, Progress, advance
from workspace_api.runs.queue import Claim, RunQueue, moment
from workspace_api.runs.reading import runs
from workspace_api.runs.sandbox import Surroundings
from workspace_api.runs.verdict import LIMITS, verdict

if TYPE_CHECKING:
    from workspace_api.runs.provenance import Provenance
    from workspace_api.workspace import Workspace

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.05
SECONDS_BETWEEN_NOTES = 0.25
FORGE_WAITS = (1.0, 2.0, 4.0, 8.0)
TOKEN_SPARE = dt.timedelta(hours=1)
WAIT_FOR_ROOM_SECONDS = 900.0
LOOK_FOR_ROOM_SECONDS = 3.0
NO_ROOM_ERRORS = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = "The workspace's disk is full, so the run could not go on. Ask an administrator to make room."
WAITS_FOR_ROOM = "The disk is full: the results wait for room. Ask an administrator to make some."
UNFORESEEN = "Something inside the workspace went wrong; its log says more under the id of this run."


class StoppedError(Exception):
    """The run shall not go on here: it was cancelled, lost to another worker, or this worker stops."""


class FailedError(Exception):
    """The run cannot go on; the message is for whoever asked for it."""


class Execution:
    """Carries one claimed run to its end, or gives it back when `stop` is set."""

    def __init__(self, workspace: Workspace, launcher: Launcher, claim: Claim, stop: threading.Event) -> None:
        self._workspace = workspace
        self._launcher = launcher
        self._claim = claim
        self._stop = stop
        self._queue: RunQueue = workspace.runs.queue
        self._folder: AttemptFolder = workspace.runs.folders.attempt(claim.run_id, claim.attempt)
        self._keeper = LeaseKeeper(self._queue, claim, workspace.settings.runs.lease_seconds)
        self._run = _load(workspace, claim.run_id)
        self._progress = Progress()

    def carry(self) -> None:
        """Do all of it; whatever happens, the run ends once or is back in the queue."""
        with self._keeper:
            try:
                self._steps()
            except StoppedError:
                self._leave()
            except FailedError as error:
                self._end(RunState.FAILED, str(error))
            except OSError as error:
                logger.exception("run %s", self._claim.run_id)
                self._end(RunState.FAILED, _os_words(error))
            except Exception:
                logger.exception("run %s", self._claim.run_id)
                self._end(RunState.FAILED, UNFORESEEN)

    def _steps(self) -> None:
        job = self._launcher.adopt(self._folder.control) if self._claim.taken_over else self._start()
        outcome = None if job is None else self._watch(job)
        if outcome is None or outcome.reason == "lost":
            self._lost()
            return
        self._conclude(outcome)

    def _start(self) -> Launched:
        """Prepare everything and start the job."""
        self._await_environment()
        person = self._workspace.people.get(self._run.owner.name)
        self._say("Fetching the project")
        self._folder.make()
        self._check_out()
        take_stock(self._folder, self._run.notebook)
        self._go_on()
        self._make_folders(person)
        surroundings = self._surroundings()
        groups = self._workspace.groups
        shares, gids = groups.shares(person.name), groups.gids(person.name)
        surroundings.write_request(self._run, person, self._folder, shares)
        job = surroundings.job(self._run, person, self._folder, self._token(person), shares, gids)
        self._say("Starting the notebook", state=RunState.RUNNING, started_at=moment())
        return self._launcher.start(job, self._folder.control)

    def _await_environment(self) -> None:
        """Go on with a built environment; fail with its error; else wait outside the queue."""
        environment = self._workspace.environments.need(self._run.environment_key)
        if environment.state == "failed":
            raise FailedError(f"The project's environment could not be built. {environment.error}")
        if environment.state != "ready":
            raise StoppedError

    def _check_out(self) -> None:
        """Fetch the commit; a forge that does not answer is asked again a few times."""
        forge = self._workspace.forge
        for wait in (*FORGE_WAITS, None):
            self._go_on()
            try:
                forge.checkout(self._run.project.path, self._run.commit, self._folder.project)
            except UnavailableError as error:
                if wait is None:
                    raise FailedError(f"{error.detail} Run it again later.") from error
                self._say(f"Waiting for the forge: {error.detail}"[:300])
                self._pause(wait)
                self._folder.make()
            except WorkspaceError as error:
                raise FailedError(error.detail) from error
            else:
                return

    def _make_folders(self, person: Person) -> None:
        """Make the folders that the person's code may write, as theirs."""
        own = [self._folder.project, self._folder.result, self._folder.home]
        for folder in own[1:]:
            folder.mkdir(mode=0o755)
        self._workspace.layout.public.mkdir(parents=True, exist_ok=True)
        if not person.system:
            self._workspace.layout.ensure_home(person.name, person.uid, person.uid)
        if _is_root():
            for folder in own:
                with beneath.folder(folder) as at:
                    beneath.give_to(at, person.uid)

    def _surroundings(self) -> Surroundings:
        workspace = self._workspace
        return Surroundings(workspace.settings, workspace.layout, workspace.environments.builder)

    def _token(self, person: Person) -> str:
        """Make the token by which the run reaches the gateway; it is worthless when the run has ended."""
        lasts = dt.timedelta(seconds=self._run.limits["seconds"]) + TOKEN_SPARE
        name = f"Run {self._run.id[:6]}"
        tokens = self._workspace.tokens
        new = tokens.create(
            person.name,
            name,
            frozenset({"alphagenome"}),
            expires_at=now() + lasts,
            run_id=self._run.id,
        )
        return new.secret

    def _watch(self, job: Launched) -> Outcome:
        """Follow the job to its end, telling how far it is; end it when it is no longer wanted."""
        events = EventReader(self._folder.result)
        noted, next_note = Progress(), 0.0
        try:
            while True:
                outcome = job.outcome()
                for line in events.lines():
                    self._progress = advance(self._progress, line)
                if outcome is not None:
                    self._note_progress()
                    return outcome
                if self._progress != noted and time.monotonic() >= next_note:
                    noted, next_note = self._progress, time.monotonic() + SECONDS_BETWEEN_NOTES
                    self._note_progress()
                if self._keeper.lost.is_set():
                    raise StoppedError
                if self._keeper.cancelled.is_set() or self._stop.is_set():
                    job.cancel()
                time.sleep(LOOK_SECONDS)
        finally:
            events.close()

    def _conclude(self, outcome: Outcome) -> None:
        """Keep the results and end the run; one that was ended because the worker stops waits again."""
        if outcome.reason == "cancelled" and not self._keeper.cancelled.is_set() and not self._wanted_end():
            raise StoppedError
        last_words = self._folder.log(0, 1_000_000).decode("utf-8", "replace").strip().rpartition("\n")[2]
        state, error = verdict(outcome, self._progress, self._run.limits, last_words[:500])
        try:
            self._keep_when_there_is_room(state, error)
        except HomeRefusesError as refusal:
            state, error = RunState.FAILED, str(refusal)
        self._end(state, error, outcome)

    def _wanted_end(self) -> bool:
        return self._queue.cancel_wanted(self._claim)

    def _keep_when_there_is_room(self, state: RunState, error: str | None) -> None:
        """Keep the results; on a full disk what was computed waits for room, and fails only after long."""
        until = time.monotonic() + WAIT_FOR_ROOM_SECONDS
        while True:
            try:
                self._keep(state, error)
            except OSError as trouble:
                if trouble.errno not in NO_ROOM_ERRORS or time.monotonic() >= until:
                    raise
                self._say(WAITS_FOR_ROOM)
                self._pause(LOOK_FOR_ROOM_SECONDS)
            else:
                return

    def _keep(self, state: RunState, error: str | None) -> None:
        """Move the results into the owner's home."""
        from workspace_api.runs.provenance import write_crate  # not needed while a workspace starts

        person = self._workspace.people.get(self._run.owner.name)

        def describe(bundle: Path) -> None:
            write_crate(self._provenance(person, state, error), bundle)

        collect(self._run, self._folder, describe)
        if self._keeper.lost.is_set():
            raise StoppedError
        home = self._workspace.layout.ensure_home(person.name, person.uid, person.uid)
        promote(self._folder, home, self._run.id, person.uid)

    def _provenance(self, person: Person, state: RunState, error: str | None) -> Provenance:
        from workspace_api.runs.provenance import Provenance

        run, workspace = self._run, self._workspace
        return Provenance(
            run_id=run.id,
            title=run.title,
            worksheet_title=run.worksheet_title,
            repository=workspace.forge.public_address(run.project.path),
            project=run.project.path,
            commit=run.commit,
            version=run.version,
            notebook=run.notebook,
            schema=run.schema,
            parameters=run.parameters,
            state=state,
            error=error,
            attempt=self._claim.attempt,
            started_at=run.started_at or run.requested_at,
            finished_at=moment(),
            agent=None if person.system else (person.name, person.display_name),
            workspace=workspace.settings.public_url,
            environment_key=run.environment_key,
            packages=workspace.environments.builder.installed_packages(run.environment_key),
            backend=run.backend,
            labfork_version=workspace.settings.version,
        )

    def _end(self, state: RunState, error: str | None, outcome: Outcome | None = None) -> None:
        """End the run, once, and clear up after it; `outcome` is that of its job, where there was one."""
        if self._queue.finish(
            self._claim,
            state,
            error=error,
            limit_reached=outcome.reason if outcome and outcome.reason in LIMITS else None,
            peak_memory_bytes=outcome.peak_memory_bytes if outcome else None,
        ):
            self._clear()

    def _lost(self) -> None:
        """The job vanished with its worker: start anew, or fail after the last attempt."""
        if self._queue.lost(self._claim):
            self._clear()

    def _leave(self) -> None:
        """Leave a run that was cancelled before its job began, or that waits again."""
        if self._keeper.lost.is_set():
            return
        if self._keeper.cancelled.is_set() or self._wanted_end():
            self._end(RunState.CANCELLED, None)
        elif self._queue.put_back(self._claim):
            self._clear()

    def _clear(self) -> None:
        self._workspace.runs.folders.remove(self._claim.run_id)

    def _say(self, step: str, **values: object) -> None:
        """Tell what the run is doing; a run that is no longer ours goes no further."""
        if not self._queue.note(self._claim, step=step, **values):
            raise StoppedError

    def _note_progress(self) -> None:
        progress = self._progress
        self._say(progress.step, cell=progress.cell, cells=progress.cells)

    def _go_on(self) -> None:
        """Raise StoppedError where the run is to go no further."""
        if self._keeper.lost.is_set() or self._keeper.cancelled.is_set() or self._stop.is_set():
            raise StoppedError

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._go_on()
            time.sleep(0.1)


def _load(workspace: Workspace, run_id: str) -> Run:
    with workspace.database.read() as session:
        return session.scalars(runs().where(Run.id == run_id)).one()


def _os_words(error: OSError) -> str:
    return NO_ROOM if error.errno in NO_ROOM_ERRORS else UNFORESEEN


def _is_root() -> bool:
    return os.geteuid() == 0
