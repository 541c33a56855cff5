"""Fetches the repositories that projects are to be imported from, in threads of its own."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from deploy.forge.announcing import watch
from deploy.forge.git.command import GitError
from deploy.forge.git.fetching import Bounds, FetchError, FetchStopped, discard, fetch_whole, tidy
from deploy.forge.git.repository import Repositories, check_ref
from deploy.forge.models import Database, Import, Project
from deploy.forge.settings import ForgeSettings
from deploy.forge.sources import SourceError, checked_source
from deploy.forge.transaction import Transaction

logger = logging.getLogger(__name__)
AT_ONCE = 2
LOOK_EVERY = 1.0
WRITTEN_MEANWHILE = (
    "Somebody wrote to the project while it was being imported, so what was fetched is left out."
)


class Importer:
    """Carries out imports; one that a killed forge left unfinished begins anew at the next start.

    A repository is fetched beside its place and moved there whole, so that nobody ever sees a half of it.
    """

    def __init__(self, database: Database, repositories: Repositories, settings: ForgeSettings) -> None:
        self._database = database
        self._repositories = repositories
        self._settings = settings
        self._stop = threading.Event()
        self._waking = threading.Event()
        names = [f"importer-{number}" for number in range(AT_ONCE)]
        self._threads = [threading.Thread(target=self._serve, name=name, daemon=True) for name in names]

    def prepare(self) -> None:
        """Clear up after an earlier forge, and put what it was fetching back in the queue."""
        discard(self._settings.imports)
        with self._database.session(write=True) as session:
            session.execute(update(Import).where(Import.status == "started").values(status="scheduled"))

    def start(self) -> None:
        """Begin, with what an earlier forge left behind."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End at once; what is under way begins anew at the next start."""
        self._stop.set()
        self._waking.set()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """Say that there may be something to fetch."""
        self._waking.set()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                claimed = self._claim()
                if claimed is not None:
                    self._carry(*claimed)
                    continue
            except (SQLAlchemyError, OSError):
                logger.exception("an import cannot go on now; trying again")
            self._waking.wait(LOOK_EVERY)
            self._waking.clear()

    def _claim(self) -> tuple[int, str] | None:
        with self._database.session(write=True) as session:
            waiting = select(Import).where(Import.status == "scheduled").order_by(Import.id).limit(1)
            found = session.scalar(waiting)
            if found is None:
                return None
            found.status = "started"
            return found.project_id, found.url

    def _carry(self, project_id: int, url: str) -> None:
        folder = self._settings.imports / f"{project_id}-{secrets.token_hex(4)}"
        bounds = Bounds(self._settings.import_seconds, self._settings.import_max_bytes)
        try:
            source = checked_source(url, self._settings.import_hosts)
            branch = fetch_whole(folder, url, source.pinned(), bounds, self._stop)
            check_ref(f"refs/heads/{branch}")
            self._end(project_id, lambda t, project: self._place(t, project, folder, branch))
        except FetchStopped:
            return
        except (FetchError, SourceError, GitError) as error:
            reason = str(error)
            self._end(project_id, lambda _t, _project: reason)
        finally:
            discard(folder)
            discard(folder.with_name(f"{folder.name}-replaced"))

    def _end(self, project_id: int, last: Callable[[Transaction, Project], str]) -> None:
        """Do what is `last`, which returns why it was not possible, and note how the import ended."""
        with self._database.session(write=True) as session:
            project = session.get(Project, project_id)
            if project is None:  # removed meanwhile
                return
            t = Transaction(session, self._settings, self._repositories)
            error = last(t, project)
            ended = {"status": "failed" if error else "finished", "error": error}
            session.execute(update(Import).where(Import.project_id == project_id).values(**ended))

    def _place(self, t: Transaction, project: Project, folder: Path, branch: str) -> str:
        """Put a fetched repository in its place."""
        repository = self._repositories.of(project.id)
        if not repository.is_empty():
            return WRITTEN_MEANWHILE
        tidy(folder)
        self._repositories.configure(folder)
        replaced = folder.with_name(f"{folder.name}-replaced")  # git may be reading it at this moment
        repository.folder.rename(replaced)
        folder.rename(repository.folder)
        project.default_branch = branch
        repository.head_to(branch)
        watch(t, project)
        return ""
