"""What the workspace has taken down of the forge's projects and commits, and how that stays true."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from workspace_api.database import Base, Database, now
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import NotFoundError, UnavailableError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.views import ForgeProject
from workspace_api.projects.models import Curation, Project, Snapshot, Worksheet
from workspace_api.projects.snapshots import notebooks_among, read_contents

SHA_LENGTH = 40
FRESH = dt.timedelta(minutes=1)


class ProjectRecords:
    """Rows of projects, and of what their commits hold.

    A commit is read from the forge once; it never changes. Whether a project is still there and who may see
    it is asked again after a minute; while the forge does not answer, what it said last holds.
    """

    def __init__(self, database: Database, forge: ForgeClient, environments: EnvironmentService) -> None:
        self._database = database
        self._forge = forge
        self._environments = environments
        self._reading = threading.Lock()
        self._unanswered_at = dt.datetime.min.replace(tzinfo=dt.UTC)

    def current(self, path: str) -> Project:
        """Return the project's row, no older than a minute where the forge answers."""
        known = self._known(path)
        if known is None:
            return self.seen(path)
        if now() - max(known.seen_at, self._unanswered_at) < FRESH:
            return known
        try:
            return self.seen(path)
        except UnavailableError:
            self._unanswered_at = now()
            return known

    def _known(self, path: str) -> Project | None:
        namespace, _, name = path.rpartition("/")
        with self._database.read() as session:
            return _load(session, Project.namespace == namespace, Project.name == name)

    def seen(self, path: str) -> Project:
        """Return the project's row as the forge has it now; NotFoundError where there is none."""
        found = self._forge.project(path) if path.count("/") else None
        if found is None:
            raise unknown(path)
        return self._remember(found)

    def _remember(self, found: ForgeProject) -> Project:
        with self._database.write() as session:
            row = session.scalar(select(Project).where(Project.forge_id == found.id))
            if row is None:  # unknown, or made anew on the forge in the place of one that we know
                row = session.scalar(select(Project).where(*_place(found))) or Project()
                row.forge_id = found.id
                session.add(row)
            row.namespace, row.name, row.visibility = found.namespace, found.name, found.visibility
            row.default_branch, row.seen_at = found.default_branch, now()
        known = self._known(found.path)
        if known is None:
            raise unknown(found.path)
        return known

    def snapshot(self, project: Project, ref: str | None) -> Snapshot:
        """Return what a commit holds, from the database or, the first time, from the forge."""
        if project.curation is not None and ref in (None, project.curation.version):
            return project.curation.snapshot
        return self.at(project, self._resolve(project, ref))

    def at(self, project: Project, commit: str) -> Snapshot:
        """Return what a commit that is there holds."""
        known = self.stored(project, commit)
        if known is not None:
            return known
        with self._reading:  # one at a time: two visitors of a new commit make one reading
            return self.stored(project, commit) or self._keep(project, self._contents(project, commit))

    def _resolve(self, project: Project, ref: str | None) -> str:
        wanted = ref or project.default_branch
        if len(wanted) == SHA_LENGTH and self.stored(project, wanted) is not None:
            return wanted
        commit = self._forge.resolve(project.path, wanted)
        if commit is None:
            raise NotFoundError(f"{project.path} has nothing called “{wanted[:200]}”.")
        return commit

    def stored(self, project: Project, commit: str) -> Snapshot | None:
        """Return what a commit holds if it was read before, or None."""
        with self._database.read() as session:
            where = (Snapshot.project_id == project.id, Snapshot.commit == commit)
            query = select(Snapshot).where(*where).options(selectinload(Snapshot.worksheets))
            return session.scalar(query)

    def notebooks(self, project: Project, commit: str) -> list[str]:
        """Return the notebooks of a commit as the forge lists them, worksheets among them, by their names."""
        return sorted(notebooks_among([e.path for e in self._forge.tree(project.path, commit) if not e.link]))

    def _contents(self, project: Project, commit: str) -> Snapshot:
        """Return what a commit holds as a new row: as another project has it, else read from the forge."""
        known = self._elsewhere(project, commit)
        return self._read(project, commit) if known is None else self._copied(project, known)

    def _elsewhere(self, project: Project, commit: str) -> Snapshot | None:
        """Return what the same commit holds in another project of this name, such as the one it is a fork of.

        A commit's sha stands for all that it holds, and only the title may follow from the project's name.
        """
        query = select(Snapshot).join(Snapshot.project)
        query = query.where(Snapshot.commit == commit, Project.name == project.name)
        with self._database.read() as session:
            return session.scalar(query.options(selectinload(Snapshot.worksheets)).limit(1))

    def _copied(self, project: Project, known: Snapshot) -> Snapshot:
        self._environments.need(known.environment_key)
        return Snapshot(
            project_id=project.id,
            created_at=now(),
            worksheets=[Worksheet(**_columns(sheet, without=("snapshot_id",))) for sheet in known.worksheets],
            **_columns(known, without=("project_id", "created_at")),
        )

    def _read(self, project: Project, commit: str) -> Snapshot:
        entries = self._forge.tree(project.path, commit)
        contents = read_contents(
            project.name,
            [entry.path for entry in entries if not entry.link],
            lambda name, limit: self._forge.read(project.path, commit, name, limit),
            links=[entry.path for entry in entries if entry.link],
        )
        key = self._environments.want(contents.environment)
        return Snapshot(
            project_id=project.id,
            commit=commit,
            title=contents.title[:200],
            summary=contents.summary,
            area=contents.area[:80],
            readme=contents.readme,
            environment_key=key,
            resources=dict(contents.resources),
            problems=contents.problems,
            created_at=now(),
            worksheets=[
                Worksheet(
                    position=position,
                    notebook=found.notebook,
                    title=found.title[:200],
                    summary=found.summary,
                    schema=dict(found.schema),
                    notebook_sha256=found.sha256,
                )
                for position, found in enumerate(contents.worksheets)
            ],
        )

    def _keep(self, project: Project, row: Snapshot) -> Snapshot:
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError:  # another process has read the same commit meanwhile
            known = self.stored(project, row.commit)
            if known is None:
                raise
            return known
        return row


def _columns(row: Base, without: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of a row's columns, but for its number and those that are named."""
    names = (column.key for column in row.__table__.columns)
    return {name: getattr(row, name) for name in names if name not in ("id", *without)}


def _place(found: ForgeProject) -> tuple[ColumnElement[bool], ...]:
    return (Project.namespace == found.namespace, Project.name == found.name)


def _load(session: Session, *where: object) -> Project | None:
    whole = selectinload(Project.curation).selectinload(Curation.snapshot).selectinload(Snapshot.worksheets)
    found: Project | None = session.scalar(select(Project).where(*where).options(whole))  # type: ignore[arg-type]
    return found


def unknown(path: str) -> NotFoundError:
    """Return what is said of a project that is not there, or that the caller may not know of."""
    return NotFoundError(f"There is no project {path[:200]}.")
