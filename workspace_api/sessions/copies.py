"""Whose project people work on: the project itself, or their own copy of it."""

from __future__ import annotations

from sqlalchemy import or_

from auth.identity import Identity
from auth.permissions import WRITES_FROM, Action, ProjectFacts
from workspace_api.errors import NotFoundError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.forks import Forks
from workspace_api.forge.lineage import ForgeLineage
from workspace_api.guard import require
from workspace_api.people.models import User
from workspace_api.people.service import PeopleService
from workspace_api.people.views import Person
from workspace_api.projects.service import ProjectService
from workspace_api.projects.views import ProjectView
from workspace_api.sessions.models import WorkSession
from workspace_api.sessions.table import SessionTable
from workspace_api.sessions.views import SessionView


class Copies:
    """People's copies of projects: forks on the forge, and the checkouts that their sessions made."""

    def __init__(
        self, table: SessionTable, projects: ProjectService, people: PeopleService, forge: ForgeClient
    ) -> None:
        self._table = table
        self._projects = projects
        self._people = people
        self._forge = forge
        self._forks = Forks(forge)
        self._lineage = ForgeLineage(forge)

    def fork(self, identity: Identity, path: str) -> str:
        """Return the path of the caller's own copy of a project, made when there is none."""
        project = self._projects.get(identity, path)
        self.require_work(identity, project, "make a copy of this project")
        person = self._people.get(identity.user or "")
        made = self.ensure_fork(project.path, person)
        self._projects.refresh(made)
        return made

    def require_work(self, identity: Identity, project: ProjectView, what: str) -> None:
        """Refuse, in words that say `what`, who may not work on a project."""
        facts = ProjectFacts(project.visibility, self._forge.member_level(project.path, identity.user or ""))
        require(identity, Action.FORK_PROJECT, facts, what)

    def ensure_fork(self, path: str, person: Person) -> str:
        """Return the path of a person's fork of a project, made when there is none."""
        return self._forks.ensure_fork(path, person.name, person.display_name)

    def to_work_on(self, path: str, person: Person) -> str:
        """Return the path of the project itself where the person may write to it, else of their fork."""
        return path if self._writes(path, person.name) else self.ensure_fork(path, person)

    def of(self, identity: Identity, path: str) -> SessionView | None:
        """Return the session that made the caller's checkout of a project; None when they have none."""
        of_it = or_(WorkSession.project == path, WorkSession.checkout_of == path)
        return self._table.find(User.name == identity.user, of_it, WorkSession.folder.is_not(None))

    def origin_of_own(self, identity: Identity, project: ProjectView) -> ProjectView:
        """Return what a project of the caller's own is a fork of, else the project itself.

        To open one's fork is to open one's copy of its origin: updates come from there, proposals go there.
        Not so where the caller may write to the origin, and so works on that itself.
        """
        origin = self._origin(identity, project.path) if project.namespace == identity.user else None
        if origin is None or origin.name != project.name:  # a copy under another name is opened as it is
            return project
        return project if self._writes(origin.path, identity.user or "") else origin

    def upstream(self, identity: Identity, view: SessionView) -> ProjectView | None:
        """Return the project from which a checkout gets updates; None where there is none to be seen."""
        if view.checkout_of in (None, view.project):
            own = view.project.rpartition("/")[0] == identity.user
            return self._origin(identity, view.project) if own else None
        try:
            return self._projects.get(identity, view.project)
        except NotFoundError:
            return None

    def _origin(self, identity: Identity, path: str) -> ProjectView | None:
        known = self._lineage.of(path)
        try:
            return self._projects.get(identity, known.origin) if known and known.origin else None
        except NotFoundError:
            return None

    def _writes(self, path: str, user: str) -> bool:
        level = self._forge.member_level(path, user)
        return level is not None and level >= WRITES_FROM
