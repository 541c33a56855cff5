"""The catalogue: which projects there are, what a commit of one holds, and which are curated."""

from __future__ import annotations

import datetime as dt
import threading

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.permissions import Action, ProjectFacts, may
from workspace_api.database import Database, now
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import (
    FieldError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.views import ForgeProject
from workspace_api.paging import Page
from workspace_api.projects.models import Curation, Project, Snapshot, Worksheet
from workspace_api.projects.snapshots import read_contents
from workspace_api.projects.views import (
    CardWorksheet,
    NewestView,
    ProjectCard,
    ProjectView,
    SnapshotView,
    UseView,
    VersionView,
    WorksheetView,
)

SHA_LENGTH = 40
FRESH = dt.timedelta(minutes=1)
MOST_USES = 500


class ProjectService:
    """Projects of the forge, with what the workspace has read of them.

    Lists come from the database alone. A commit is read from the forge once; it never changes. Whether a
    project is still there and who may see it is asked again after a minute; while the forge does not answer,
    what it said last holds.
    """

    def __init__(self, database: Database, forge: ForgeClient, environments: EnvironmentService) -> None:
        self._database = database
        self._forge = forge
        self._environments = environments
        self._reading = threading.Lock()
        self._unanswered_at = dt.datetime.min.replace(tzinfo=dt.UTC)

    def catalogue(
        self,
        identity: Identity,
        *,
        curated: bool | None = None,
        area: str | None = None,
        q: str | None = None,
        page: int = 1,
        per_page: int = 30,
    ) -> Page[ProjectCard]:
        """Return the projects that the caller may see, curated ones first, by area and text."""
        query = _visible(select(Project).outerjoin(Curation).outerjoin(Curation.snapshot), identity)
        if curated is not None:
            query = query.where(Curation.id.is_not(None) if curated else Curation.id.is_(None))
        if area:
            query = query.where(Curation.area == area)
        for word in (q or "").replace("/", " ").split()[:10]:
            query = query.where(_mentions(word))
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            rows = session.scalars(
                query.options(
                    selectinload(Project.curation)
                    .selectinload(Curation.snapshot)
                    .selectinload(Snapshot.worksheets)
                )
                .order_by(Curation.id.is_(None), Curation.area, Project.namespace, Project.name)
                .offset((page - 1) * per_page)
                .limit(per_page)
            ).all()
            return Page([_card(row) for row in rows], total, page, per_page)

    def areas(self) -> list[str]:
        """Return the areas of curated projects."""
        with self._database.read() as session:
            return list(session.scalars(select(Curation.area).distinct().order_by(Curation.area)))

    def get(self, identity: Identity, path: str) -> ProjectView:
        """Return a project; NotFoundError where there is none or the caller may not know of it."""
        return self._view(self._allowed(identity, path))

    def snapshot(self, identity: Identity, path: str, ref: str | None = None) -> SnapshotView:
        """Return what a project holds at `ref`; without one at its curated version, or its newest commit.

        Raises NotFoundError for a ref that names nothing.
        """
        project = self._allowed(identity, path)
        row = self._snapshot(project, ref)
        version = self._version(project, row.commit, ref)
        view = self._view(project)
        return SnapshotView(
            project=view,
            commit=row.commit,
            version=version,
            title=row.title,
            summary=row.summary,
            area=row.area,
            readme=row.readme,
            environment_key=row.environment_key,
            resources=row.resources,
            problems=tuple(row.problems),
            worksheets=tuple(_worksheet(project, row, sheet, version) for sheet in row.worksheets),
        )

    def newest(self, identity: Identity, path: str) -> NewestView | None:
        """Return the newest commit that the forge told of, and its environment; None before the first."""
        project = self._allowed(identity, path)
        row = self._stored(project, project.newest_commit) if project.newest_commit else None
        if row is None:
            return None
        environment = self._environments.view(row.environment_key)
        return NewestView(row.commit, environment.key, environment.state, environment.error)

    def read_pushed(self, path: str, ref: str) -> str:
        """Read what a branch or tag (`refs/...`) leads to, so that its environment is wanted; return its key.

        For the worker, after a push. Raises NotFoundError where the project or the ref is gone by now.
        """
        project = self._seen(path)
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        commit = self._forge.resolve(path, name)
        if commit is None:
            raise NotFoundError(f"{path} has nothing called “{name[:200]}”.")
        row = self._at(project, commit)
        if ref == f"refs/heads/{project.default_branch}":
            with self._database.write() as session:
                session.execute(update(Project).where(Project.id == project.id).values(newest_commit=commit))
        return row.environment_key

    def using(self, identity: Identity, environment_key: str) -> list[UseView]:
        """Return the projects that the caller may see and that use an environment at some commit."""
        query = (
            select(Snapshot)
            .where(Snapshot.environment_key == environment_key)
            .options(selectinload(Snapshot.project).selectinload(Project.curation))
            .order_by(Snapshot.id.desc())
            .limit(MOST_USES)
        )
        found: dict[str, list[Snapshot]] = {}
        with self._database.read() as session:
            for row in session.scalars(query):
                found.setdefault(row.project.path, []).append(row)
        return [_use(rows) for path, rows in found.items() if self._may_see(identity, rows[0].project)]

    def worksheet(
        self, identity: Identity, path: str, notebook: str, ref: str | None = None
    ) -> WorksheetView:
        """Return one worksheet of a project; NotFoundError where the notebook is none."""
        project = self._allowed(identity, path)
        row = self._snapshot(project, ref)
        for sheet in row.worksheets:
            if sheet.notebook == notebook:
                return _worksheet(project, row, sheet, self._version(project, row.commit, ref))
        raise NotFoundError(
            f"{path} has no worksheet “{notebook[:200]}” at {row.commit[:7]}. A worksheet is a notebook with "
            "a cell tagged “parameters”."
        )

    def file(self, identity: Identity, path: str, commit: str, name: str, max_bytes: int) -> bytes:
        """Return a file of a commit, for somebody who may read the project."""
        self._allowed(identity, path)
        return self._forge.read(path, commit, name, max_bytes)

    def versions(self, identity: Identity, path: str) -> list[VersionView]:
        """Return the saved versions of a project, newest first."""
        project = self._allowed(identity, path)
        pinned = project.curation.version if project.curation else None
        return [
            VersionView(v.tag, v.commit, v.message, v.created_at, v.tag == pinned)
            for v in self._forge.versions(path)
        ]

    def curate(
        self, identity: Identity, path: str, *, version: str, area: str = "", summary: str = ""
    ) -> ProjectView:
        """List a project on the landing page at `version`, a tag; area and summary default to its own."""
        project = self._allowed(identity, path)
        self._require_curator(identity, project)
        commits = {known.tag: known.commit for known in self._forge.versions(path)}
        if version not in commits:
            message = f"{path} has no version “{version[:80]}”. Save it as a version first."
            raise InvalidInputError("The project cannot be curated.", [FieldError("version", message)])
        row = self._at(project, commits[version])
        with self._database.write() as session:
            curation = session.scalar(select(Curation).where(Curation.project_id == project.id))
            if curation is None:
                curation = Curation(project_id=project.id)
                session.add(curation)
            curation.snapshot_id, curation.version, curation.curated_at = row.id, version, now()
            curation.area, curation.summary = area or row.area, summary or row.summary
        return self.get(identity, path)

    def uncurate(self, identity: Identity, path: str) -> None:
        """Take a project off the landing page; nothing else of it changes."""
        project = self._allowed(identity, path)
        self._require_curator(identity, project)
        with self._database.write() as session:
            curation = session.scalar(select(Curation).where(Curation.project_id == project.id))
            if curation is None:
                raise NotFoundError(f"{path} is not curated.")
            session.delete(curation)

    def _require_curator(self, identity: Identity, project: Project) -> None:
        if not may(identity, Action.CURATE_PROJECT, ProjectFacts(project.visibility)):
            raise ForbiddenError("Only administrators choose what is listed on the landing page.")

    def _allowed(self, identity: Identity, path: str) -> Project:
        """Return the project's row, seen on the forge if it is new to us, for somebody who may read it."""
        project = self._current(path)
        if not self._may_see(identity, project):
            raise _unknown(path)
        return project

    def _may_see(self, identity: Identity, project: Project) -> bool:
        level = None
        if project.visibility == "private" and identity.user and not identity.admin:
            level = self._forge.member_level(project.path, identity.user)
        return may(identity, Action.READ_PROJECT, ProjectFacts(project.visibility, level))

    def _current(self, path: str) -> Project:
        """Return the project's row, no older than a minute where the forge answers."""
        known = self._known(path)
        if known is None:
            return self._seen(path)
        if now() - max(known.seen_at, self._unanswered_at) < FRESH:
            return known
        try:
            return self._seen(path)
        except UnavailableError:
            self._unanswered_at = now()
            return known

    def _known(self, path: str) -> Project | None:
        namespace, _, name = path.rpartition("/")
        with self._database.read() as session:
            return _load(session, Project.namespace == namespace, Project.name == name)

    def _seen(self, path: str) -> Project:
        found = self._forge.project(path) if path.count("/") else None
        if found is None:
            raise _unknown(path)
        return self._remember(found)

    def refresh(self, path: str) -> None:
        """Take over what the forge now says of a project: its visibility and default branch."""
        self._seen(path)

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
            raise _unknown(found.path)
        return known

    def _snapshot(self, project: Project, ref: str | None) -> Snapshot:
        """Return what a commit holds, from the database or, the first time, from the forge."""
        if project.curation is not None and ref in (None, project.curation.version):
            return project.curation.snapshot
        return self._at(project, self._resolve(project, ref))

    def _at(self, project: Project, commit: str) -> Snapshot:
        known = self._stored(project, commit)
        if known is not None:
            return known
        with self._reading:  # one at a time: two visitors of a new commit make one reading
            return self._stored(project, commit) or self._read(project, commit)

    def _resolve(self, project: Project, ref: str | None) -> str:
        wanted = ref or project.default_branch
        if len(wanted) == SHA_LENGTH and self._stored(project, wanted) is not None:
            return wanted
        commit = self._forge.resolve(project.path, wanted)
        if commit is None:
            raise NotFoundError(f"{project.path} has nothing called “{wanted[:200]}”.")
        return commit

    def _stored(self, project: Project, commit: str) -> Snapshot | None:
        with self._database.read() as session:
            where = (Snapshot.project_id == project.id, Snapshot.commit == commit)
            query = select(Snapshot).where(*where).options(selectinload(Snapshot.worksheets))
            return session.scalar(query)

    def _read(self, project: Project, commit: str) -> Snapshot:
        entries = self._forge.tree(project.path, commit)
        contents = read_contents(
            project.name,
            [entry.path for entry in entries if not entry.link],
            lambda name, limit: self._forge.read(project.path, commit, name, limit),
            links=[entry.path for entry in entries if entry.link],
        )
        key = self._environments.want(contents.environment)
        row = Snapshot(
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
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError:  # another process has read the same commit meanwhile
            known = self._stored(project, commit)
            if known is None:
                raise
            return known
        return row

    def _version(self, project: Project, commit: str, ref: str | None) -> str | None:
        """Return the version that a commit was asked for by, or is curated as; a branch is none."""
        if project.curation is not None and project.curation.snapshot.commit == commit:
            return project.curation.version
        if not ref or ref == project.default_branch or commit.startswith(ref):
            return None
        return next((known.tag for known in self._forge.versions(project.path) if known.tag == ref), None)

    def _view(self, project: Project) -> ProjectView:
        curation = project.curation
        return ProjectView(
            path=project.path,
            namespace=project.namespace,
            name=project.name,
            visibility=project.visibility,
            default_branch=project.default_branch,
            curated_version=curation.version if curation else None,
            curated_commit=curation.snapshot.commit if curation else None,
            area=curation.area if curation else None,
            clone_url=self._forge.public_address(project.path),
        )


def _place(found: ForgeProject) -> tuple[ColumnElement[bool], ...]:
    return (Project.namespace == found.namespace, Project.name == found.name)


def _load(session: Session, *where: object) -> Project | None:
    whole = selectinload(Project.curation).selectinload(Curation.snapshot).selectinload(Snapshot.worksheets)
    found: Project | None = session.scalar(select(Project).where(*where).options(whole))  # type: ignore[arg-type]
    return found


def curated_environments() -> Select[str]:
    """Return the query for the keys of the environments that curated versions need."""
    return select(Snapshot.environment_key).join(Curation, Curation.snapshot_id == Snapshot.id)


def _use(rows: list[Snapshot]) -> UseView:
    project, newest = rows[0].project, rows[0]
    curation = project.curation
    pinned = curation is not None and any(row.id == curation.snapshot_id for row in rows)
    version = curation.version if curation is not None and pinned else None
    return UseView(project.path, newest.title, newest.commit, len(rows), version)


def _visible(query: Select[Project], identity: Identity) -> Select[Project]:
    """Narrow a list to what the caller may know; private projects are found by their address alone."""
    if identity.admin:
        return query
    shown = ["public", "internal"] if identity.signed_in else ["public"]
    return query.where(Project.visibility.in_(shown))


def _mentions(word: str):  # type: ignore[no-untyped-def]
    worksheets = select(Worksheet.id).where(
        Worksheet.snapshot_id == Curation.snapshot_id,
        or_(
            Worksheet.title.icontains(word, autoescape=True),
            Worksheet.summary.icontains(word, autoescape=True),
        ),
    )
    columns = (Project.namespace, Project.name, Curation.area, Curation.summary, Snapshot.title)
    return or_(*(column.icontains(word, autoescape=True) for column in columns), worksheets.exists())


def _card(row: Project) -> ProjectCard:
    curation = row.curation
    snapshot = curation.snapshot if curation else None
    return ProjectCard(
        path=row.path,
        title=snapshot.title if snapshot else row.name,
        summary=curation.summary if curation else "",
        area=curation.area if curation else "",
        visibility=row.visibility,
        version=curation.version if curation else None,
        commit=snapshot.commit if snapshot else None,
        environment_key=snapshot.environment_key if snapshot else None,
        worksheets=tuple(
            CardWorksheet(sheet.notebook, sheet.title, sheet.summary)
            for sheet in (snapshot.worksheets if snapshot else ())
        ),
    )


def _worksheet(project: Project, row: Snapshot, sheet: Worksheet, version: str | None) -> WorksheetView:
    return WorksheetView(
        project=project.path,
        project_id=project.id,
        visibility=project.visibility,
        commit=row.commit,
        version=version,
        notebook=sheet.notebook,
        title=sheet.title,
        summary=sheet.summary,
        schema=sheet.schema,
        notebook_sha256=sheet.notebook_sha256,
        environment_key=row.environment_key,
        resources=row.resources,
    )


def _unknown(path: str) -> NotFoundError:
    return NotFoundError(f"There is no project {path[:200]}.")
