"""The catalogue: which projects there are, what a commit of one holds, and which are curated."""

from __future__ import annotations

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import selectinload

from auth.identity import Identity
from auth.permissions import Action, ProjectFacts, may
from workspace_api.database import Database, now
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import FieldError, InvalidInputError, NotFoundError
from workspace_api.forge.client import ForgeClient
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.projects.models import Curation, Project, Snapshot, Worksheet
from workspace_api.projects.records import ProjectRecords, unknown
from workspace_api.projects.shown import card_of, use_of, worksheet_of
from workspace_api.projects.views import (
    NewestView,
    ProjectCard,
    ProjectView,
    SnapshotView,
    UseView,
    VersionView,
    WorksheetView,
)

MOST_USES = 500


class ProjectService:
    """Projects of the forge, with what the workspace has read of them; lists come from the database alone."""

    def __init__(self, database: Database, forge: ForgeClient, environments: EnvironmentService) -> None:
        self._database = database
        self._forge = forge
        self._environments = environments
        self._records = ProjectRecords(database, forge, environments)

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
            return Page([card_of(row) for row in rows], total, page, per_page)

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
        row = self._records.snapshot(project, ref)
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
            worksheets=tuple(worksheet_of(project, row, sheet, version) for sheet in row.worksheets),
        )

    def newest(self, identity: Identity, path: str) -> NewestView | None:
        """Return the newest commit that the forge told of, and its environment; None before the first."""
        project = self._allowed(identity, path)
        row = self._records.stored(project, project.newest_commit) if project.newest_commit else None
        if row is None:
            return None
        environment = self._environments.view(row.environment_key)
        return NewestView(row.commit, environment.key, environment.state, environment.error)

    def read_pushed(self, path: str, ref: str) -> str:
        """Read what a branch or tag (`refs/...`) leads to, so that its environment is wanted; return its key.

        For the worker, after a push. Raises NotFoundError where the project or the ref is gone by now.
        """
        project = self._records.seen(path)
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        commit = self._forge.resolve(path, name)
        if commit is None:
            raise NotFoundError(f"{path} has nothing called “{name[:200]}”.")
        row = self._records.at(project, commit)
        if ref == f"refs/heads/{project.default_branch}":
            with self._database.write() as session:
                session.execute(update(Project).where(Project.id == project.id).values(newest_commit=commit))
        return row.environment_key

    def follow_builder(self) -> int:
        """Let commits that were read before have environments of the builder in force; return how many.

        For the start of a worker: another builder, or another version of it, gives the same files another
        key. What curated versions need is wanted at once, all else when it is needed.
        """
        with self._database.read() as session:
            kept = set(session.scalars(curated_environments()))
            known = session.scalars(select(Snapshot.environment_key).distinct()).all()
        changed = 0
        for key in known:
            new = self._environments.renewed(key)
            if new == key:
                continue
            if key in kept:
                self._environments.need(new)
            with self._database.write() as session:
                rows = session.execute(
                    update(Snapshot)
                    .where(Snapshot.environment_key == key)
                    .values(environment_key=new)
                    .returning(Snapshot.id)
                )
                changed += len(rows.all())
        return changed

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
        return [use_of(rows) for path, rows in found.items() if self._may_see(identity, rows[0].project)]

    def worksheet(
        self, identity: Identity, path: str, notebook: str, ref: str | None = None
    ) -> WorksheetView:
        """Return one worksheet of a project; NotFoundError where the notebook is none."""
        project = self._allowed(identity, path)
        row = self._records.snapshot(project, ref)
        for sheet in row.worksheets:
            if sheet.notebook == notebook:
                return worksheet_of(project, row, sheet, self._version(project, row.commit, ref))
        raise NotFoundError(
            f"{path} has no worksheet “{notebook[:200]}” at {row.commit[:7]}. A worksheet is a notebook with "
            "a cell tagged “parameters”."
        )

    def notebooks(self, identity: Identity, path: str, commit: str) -> list[str]:
        """Return every notebook of a commit, worksheets among them, for somebody who may read the project."""
        return self._records.notebooks(self._allowed(identity, path), commit)

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
        row = self._records.at(project, commits[version])
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
        facts = ProjectFacts(project.visibility)
        require(identity, Action.CURATE_PROJECT, facts, "choose what is listed on the landing page")

    def _allowed(self, identity: Identity, path: str) -> Project:
        """Return the project's row, seen on the forge if it is new to us, for somebody who may read it."""
        project = self._records.current(path)
        if not self._may_see(identity, project):
            raise unknown(path)
        return project

    def _may_see(self, identity: Identity, project: Project) -> bool:
        level = None
        if project.visibility == "private" and identity.user and not identity.admin:
            level = self._forge.member_level(project.path, identity.user)
        return may(identity, Action.READ_PROJECT, ProjectFacts(project.visibility, level))

    def refresh(self, path: str) -> None:
        """Take over what the forge now says of a project: its visibility and default branch."""
        self._records.seen(path)

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


def curated_environments() -> Select[str]:
    """Return the query for the keys of the environments that curated versions need."""
    return select(Snapshot.environment_key).join(Curation, Curation.snapshot_id == Snapshot.id)


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
