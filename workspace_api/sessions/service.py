"""Sessions: opening a project, following its preparation, ending it; what JupyterHub's spawner is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, SessionFacts, may
from hub.jobs import Launcher
from hub.machine import this_machine
from hub.sandbox import Host
from hub.usage import servers_folder
from nfs.layout import StorageLayout
from workspace_api.database import Database, now
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.forge.client import ForgeClient
from workspace_api.groups.service import GroupService
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.people.models import User
from workspace_api.people.service import PeopleService
from workspace_api.projects.service import ProjectService
from workspace_api.sessions.admission import room_of
from workspace_api.sessions.checkouts import Checkouts
from workspace_api.sessions.choosing import SizeChoice
from workspace_api.sessions.copies import Copies
from workspace_api.sessions.ends import BY_ADMINISTRATOR, idle_words, time_words, was_idle
from workspace_api.sessions.folders import SessionFolders
from workspace_api.sessions.git_passwords import GitPasswords
from workspace_api.sessions.hub_client import HubClient
from workspace_api.sessions.live import Live
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.operations import Operations
from workspace_api.sessions.preparation import NOT_OPEN, Preparation
from workspace_api.sessions.queue import SessionQueue
from workspace_api.sessions.surroundings import Surroundings
from workspace_api.sessions.table import UNENDED, SessionTable
from workspace_api.sessions.upkeep import Upkeep
from workspace_api.sessions.views import KINDS, Prepared, SessionView, Waiting
from workspace_api.settings import Settings
from workspace_api.tokens.service import TokenService


class SessionService:
    """What people do with sessions.

    JupyterHub is the one that starts and ends servers, and is asked for one when there is a place for it.
    While it starts one, its spawner asks `prepare` again and again.
    """

    def __init__(
        self,
        database: Database,
        projects: ProjectService,
        environments: EnvironmentService,
        forge: ForgeClient,
        tokens: TokenService,
        people: PeopleService,
        groups: GroupService,
        layout: StorageLayout,
        settings: Settings,
        launcher: Launcher,
    ) -> None:
        self._projects = projects
        self._environments = environments
        self._people = people
        self._settings = settings
        machine = this_machine()
        self._hub = HubClient(settings.hub)
        self._table = SessionTable(database)
        self.choice = SizeChoice(self._table, groups, settings.sessions, machine)
        self._queue = SessionQueue(
            self._table,
            self._hub,
            room_of(settings.sessions, machine),
            waiting_per_person=settings.sessions.waiting_per_person,
        )
        self.upkeep = Upkeep(self._table, self._queue, self._hub, self._finish)
        self._live = Live(
            self._queue,
            self._hub,
            servers_folder(settings.home),
            idle_minutes=settings.sessions.idle_minutes,
        )
        self.folders = SessionFolders(settings.home / "work" / "sessions", self._table)
        self.git_passwords = GitPasswords(tokens, people, forge)
        self.copies = Copies(self._table, projects, people, forge)
        surroundings = Surroundings(settings, layout, environments.builder, Host.here())
        checkouts = Checkouts(surroundings, launcher)
        self.operations = Operations(
            projects, environments, people, tokens, self.copies, checkouts, self.folders, surroundings
        )
        self._preparation = Preparation(
            self._table,
            projects,
            environments,
            people,
            groups,
            tokens,
            self.copies,
            checkouts,
            self.folders,
            surroundings,
        )

    def open(
        self,
        identity: Identity,
        path: str,
        kind: str = "lab",
        size: str | None = None,
        *,
        without_packages: bool = False,
    ) -> SessionView:
        """Open a project: the caller's session on it, the one that is there or a new one of this size.

        A new one waits until there is a place for it, which may be at once. `without_packages` gives it the
        environment of a project without environment files: there one corrects files that cannot be built.
        Raises InvalidInputError for an unknown kind or size, ForbiddenError for one that the caller may not
        use, LimitReachedError when too many of theirs wait, and UnavailableError when JupyterHub does not
        answer.
        """
        if kind not in KINDS:
            raise InvalidInputError(
                "The session was not opened.",
                [FieldError("kind", f"There is no kind “{kind[:40]}”; choose from {', '.join(KINDS)}.")],
            )
        facts = SessionFacts(owner=identity.user or "", kind=kind)
        require(identity, Action.OPEN_SESSION, facts, f"open a session of the kind {kind}")
        project = self.copies.origin_of_own(identity, self._projects.get(identity, path))
        self._settled_of(identity)  # what JupyterHub no longer knows is at its end, and takes no place
        if size:
            chosen = self.choice.named(identity, size)
        else:
            resources = partial(self._resources, identity, project.path)
            chosen = self.choice.usual_or_refuse(identity, project.path, resources)
        key = self._environments.want({}) if without_packages else None
        view = self._queue.enter(identity.user or "", project.path, kind, chosen, key)
        if view.checkout_of not in (None, project.path):  # it may have been removed on the forge meanwhile
            person = self._people.get(view.owner)
            self.copies.ensure_fork(project.path, person)
        error = self._queue.admit().get(view.id)
        if error is not None:
            self._finish(view.id, SessionState.FAILED, error.detail)
            raise error
        return self._get(view.id)

    def get(self, identity: Identity, session_id: str) -> SessionView:
        """Return a session of the caller's, or of anybody for an administrator."""
        view = self._table.find(WorkSession.id == session_id)
        if view is None or not may(identity, Action.READ_SESSION, SessionFacts(view.owner, view.kind)):
            raise NotFoundError(f"There is no session {session_id[:24]}, or it is not yours.")
        return self._live.added(self.upkeep.settle([view]))[0]

    def mine(self, identity: Identity, *, ended: bool = False) -> Sequence[SessionView]:
        """Return the caller's sessions, newest first: those that are under way, or with `ended` all."""
        facts = SessionFacts(identity.user or "")
        require(identity, Action.READ_SESSION, facts, "see your sessions")
        return self._live.added(self._settled_of(identity, ended=ended))

    def everybodys(self, identity: Identity, *, page: int = 1, per_page: int = 100) -> Page[SessionView]:
        """Return the sessions that are under way, whoever has them, newest first."""
        require(identity, Action.READ_SESSIONS, PLATFORM, "see the sessions of everybody")
        found = self._table.list(UNENDED, limit=per_page, offset=(page - 1) * per_page)
        settled = [view for view in self.upkeep.settle(found) if not view.ended]
        return Page(self._live.added(settled), self._table.count(UNENDED), page, per_page)

    def count_by_state(self) -> dict[str, int]:
        """Return how many sessions that have not ended are in each state."""
        return self._table.count_by_state()

    def using(self, identity: Identity, environment_key: str) -> Sequence[SessionView]:
        """Return the sessions under way that use an environment: the caller's, or an administrator's all."""
        facts = SessionFacts(identity.user or "")
        if not may(identity, Action.READ_SESSION, facts):
            return []
        own = [] if identity.admin else [User.name == identity.user]
        return self._table.list(WorkSession.environment_key == environment_key, UNENDED, *own)

    def stop(self, identity: Identity, session_id: str) -> SessionView:
        """End a session, waiting or open; what is in the home stays, what is only in its memory goes."""
        view = self.get(identity, session_id)
        require(identity, Action.STOP_SESSION, SessionFacts(view.owner, view.kind), "stop this session")
        if not view.ended:
            because = None if identity.user == view.owner else BY_ADMINISTRATOR
            self._finish(view.id, SessionState.STOPPED, None, because)
            if view.state != SessionState.WAITING:
                self._hub.stop(view.owner, view.server)
                self._queue.admit()
        return self.get(identity, session_id)

    def keep(self, identity: Identity, session_id: str) -> SessionView:
        """Have a running session count as used now; its size's time limit stays.

        Raises ConflictError for one that does not run.
        """
        view = self.get(identity, session_id)
        require(identity, Action.KEEP_SESSION, SessionFacts(view.owner, view.kind), "keep this session")
        if view.state != SessionState.RUNNING:
            raise ConflictError(f"The session on {view.project} is {view.state}; only one that runs is kept.")
        self._hub.touch(view.owner, view.server)
        return self.get(identity, session_id)

    def at(self, user: str, server: str) -> SessionView | None:
        """Return the latest session of a person's server, or None."""
        view = self._table.find(User.name == user, WorkSession.server == server)
        return None if view is None else self.upkeep.settle([view])[0]

    def prepare(self, user: str, server: str) -> Waiting | Prepared:
        """Take the preparation of a server as far as it goes now, for JupyterHub's spawner alone.

        Raises NotFoundError where nobody opened it or it has no place yet, UnavailableError where a part that
        is needed does not answer now, and ConflictError, in words for the person, where it cannot be
        prepared; only then it is at its end.
        """
        view = self._on(user, server)
        if view is None or view.state == SessionState.WAITING:
            raise NotFoundError(NOT_OPEN)
        try:
            return self._preparation.go_on(view)
        except UnavailableError:  # it may answer in a moment: the spawner asks again for a while
            raise
        except WorkspaceError as error:
            self._finish(view.id, SessionState.FAILED, error.detail)
            raise

    def ended(self, user: str, server: str, reason: str, words: str) -> None:
        """Note that a server has ended, told by the spawner; one that was stopped before stays so."""
        view = self._on(user, server)
        if view is None:
            return
        if reason == "time":
            self._finish(view.id, SessionState.STOPPED, None, time_words(view.size))
        elif reason == "cancelled" and not words:
            self._finish(view.id, SessionState.STOPPED, None, self._why_culled(view))
        elif reason == "exited" and not words:
            self._finish(view.id, SessionState.STOPPED, None)
        else:
            self._finish(view.id, SessionState.FAILED, words or None)
        self._queue.admit()

    def started(self, user: str, server: str, control: str) -> None:
        """Note that a server answers, told by the spawner; `control` names its control folder."""
        view = self._on(user, server)
        if view is not None:
            self._table.change(
                view.id, state=SessionState.RUNNING, step="", started_at=now(), control=control
            )

    def _resources(self, identity: Identity, path: str) -> Mapping[str, Any]:
        """Return what a project asks for; nothing where it cannot be read, which its preparation tells."""
        try:
            return self._projects.snapshot(identity, path).resources
        except WorkspaceError:
            return {}

    def _settled_of(self, identity: Identity, *, ended: bool = False) -> list[SessionView]:
        conditions = [User.name == identity.user, *([] if ended else [UNENDED])]
        settled = self.upkeep.settle(self._table.list(*conditions))
        return settled if ended else [view for view in settled if not view.ended]

    def _why_culled(self, view: SessionView) -> str | None:
        """Return why JupyterHub ended a session that nobody here stopped; None when that is not known."""
        idle_minutes = self._settings.sessions.idle_minutes
        try:
            used_at = self._hub.servers(fresh=True).get((view.owner, view.server))
        except UnavailableError:
            return None
        return idle_words(idle_minutes) if used_at and was_idle(used_at, idle_minutes, now()) else None

    def _on(self, user: str, server: str) -> SessionView | None:
        """Return the session that a person's server is for, unless it has ended."""
        return self._table.find(User.name == user, WorkSession.server == server, UNENDED)

    def _get(self, session_id: str) -> SessionView:
        view = self._table.find(WorkSession.id == session_id)
        if view is None:
            raise NotFoundError(f"There is no session {session_id[:24]}.")
        return self._live.added([view])[0]

    def _finish(
        self, session_id: str, state: SessionState, error: str | None, because: str | None = None
    ) -> None:
        """End a session: its token opens nothing any more, its files are removed."""
        self._table.finish(session_id, state, error, because=because)
        self.folders.remove(self.folders.of(session_id))


def environments_in_use() -> Select[str | None]:
    """Return the query for the keys of the environments that sessions under way use, or will."""
    return select(WorkSession.environment_key).where(UNENDED)
