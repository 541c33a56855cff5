"""Sessions: opening a project, following its preparation, ending it; what JupyterHub's spawner is told."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.permissions import WRITES_FROM, Action, ProjectFacts, SessionFacts
from hub.sandbox import Host
from nfs.layout import StorageLayout
from workspace_api.database import Database, now
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    UnavailableError,
    WorkspaceError,
)
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.forks import Forks
from workspace_api.groups.service import GroupService
from workspace_api.guard import require
from workspace_api.people.models import User
from workspace_api.people.service import PeopleService
from workspace_api.people.views import Person
from workspace_api.projects.service import ProjectService
from workspace_api.sessions.checkouts import Checkouts
from workspace_api.sessions.hub_client import HubClient
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.surroundings import Place, Surroundings
from workspace_api.sessions.views import KINDS, Prepared, SessionView, Waiting
from workspace_api.settings import Settings
from workspace_api.tokens.service import TokenService

TOKEN_LASTS = dt.timedelta(days=30)
LONGEST_NAME = 20
SETTLING = dt.timedelta(seconds=10)
CUT_OFF = "JupyterHub stopped while the session was being prepared. Open it again; nothing is lost."
ENDED = (SessionState.STOPPED, SessionState.FAILED)
STEPS = {
    "asking": "Asking for a place",
    "fork": "Making your own copy of the project",
    "environment": "Building the environment",
    "checkout": "Fetching the project into your home",
    "server": "Starting",
}


class SessionService:
    """What people do with sessions.

    JupyterHub is the one that starts and ends servers. While it starts one, its spawner asks `prepare` again
    and again, and each answer is one step further; nothing of the preparation is kept in memory, so a process
    that dies in the middle loses none of it.
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
    ) -> None:
        self._database = database
        self._projects = projects
        self._environments = environments
        self._forge = forge
        self._tokens = tokens
        self._people = people
        self._groups = groups
        self._settings = settings
        self._hub = HubClient(settings.hub)
        self._folder = settings.home / "work" / "sessions"
        self._surroundings = Surroundings(settings, layout, environments.builder, Host.here())
        self._checkouts = Checkouts(self._surroundings)
        self.forks = Forks(forge)

    def open(self, identity: Identity, path: str, kind: str = "lab") -> SessionView:
        """Open a project: the caller's session on it, the one that is there or a new one.

        Raises InvalidInputError for an unknown kind, LimitReachedError when there are too many sessions, and
        UnavailableError when JupyterHub does not answer.
        """
        if kind not in KINDS:
            raise InvalidInputError(
                "The session was not opened.",
                [FieldError("kind", f"There is no kind “{kind[:40]}”; choose from {', '.join(KINDS)}.")],
            )
        facts = SessionFacts(owner=identity.user or "", kind=kind)
        require(identity, Action.OPEN_SESSION, facts, f"open a session of the kind {kind}")
        project = self._projects.get(identity, path)
        self.mine(identity)  # what JupyterHub no longer knows is at its end, and takes no place
        view = self._enter(identity, project.path, kind)
        try:
            self._hub.start(view.owner, view.server)
        except UnavailableError as error:
            if view.state == SessionState.PREPARING:
                self._finish(view.id, SessionState.FAILED, error.detail)
            raise
        return view

    def get(self, identity: Identity, session_id: str) -> SessionView:
        """Return a session of the caller's, or of anybody for an administrator."""
        view = self._find(WorkSession.id == session_id)
        if view is None:
            raise NotFoundError(f"There is no session {session_id[:24]}.")
        require(identity, Action.READ_SESSION, SessionFacts(view.owner, view.kind), "see this session")
        [settled] = self._settled([view])
        return settled

    def mine(self, identity: Identity, *, ended: bool = False) -> Sequence[SessionView]:
        """Return the caller's sessions, newest first: those that are under way, or with `ended` all."""
        facts = SessionFacts(identity.user or "")
        require(identity, Action.READ_SESSION, facts, "see your sessions")
        conditions = [User.name == identity.user, *([] if ended else [WorkSession.state.not_in(ENDED)])]
        query = select(WorkSession).join(WorkSession.owner).where(*conditions)
        with self._database.read() as session:
            rows = session.scalars(
                query.options(selectinload(WorkSession.owner))
                .order_by(WorkSession.opened_at.desc(), WorkSession.id)
                .limit(100)
            )
            found = [_view(row) for row in rows]
        settled = self._settled(found)
        return settled if ended else [view for view in settled if not view.ended]

    def stop(self, identity: Identity, session_id: str) -> SessionView:
        """End a session; what is in the home stays, what is only in its memory goes."""
        view = self.get(identity, session_id)
        require(identity, Action.STOP_SESSION, SessionFacts(view.owner, view.kind), "stop this session")
        if not view.ended:
            self._finish(view.id, SessionState.STOPPED, None)
            self._hub.stop(view.owner, view.server)
        return self.get(identity, session_id)

    def at(self, user: str, server: str) -> SessionView | None:
        """Return the latest session of a person's server, or None."""
        view = self._find(User.name == user, WorkSession.server == server)
        return None if view is None else self._settled([view])[0]

    def prepare(self, user: str, server: str) -> Waiting | Prepared:
        """Take the preparation of a server one step further, for JupyterHub's spawner alone.

        Raises NotFoundError where nobody opened it, and ConflictError, in words for the person, where it
        cannot be prepared; it is then at its end.
        """
        view = self._find(User.name == user, WorkSession.server == server, WorkSession.state.not_in(ENDED))
        if view is None:
            raise NotFoundError("Open the project from its page; this session was stopped or never opened.")
        try:
            return self._step(view)
        except WorkspaceError as error:
            self._finish(view.id, SessionState.FAILED, error.detail)
            raise

    def ended(self, user: str, server: str, reason: str, words: str) -> None:
        """Note that a server has ended, told by the spawner; one that was stopped before stays so."""
        view = self._find(User.name == user, WorkSession.server == server, WorkSession.state.not_in(ENDED))
        if view is not None:
            state = SessionState.STOPPED if reason == "cancelled" and not words else SessionState.FAILED
            if reason == "exited" and not words:
                state = SessionState.STOPPED
            self._finish(view.id, state, words or None)

    def started(self, user: str, server: str) -> None:
        """Note that a server answers, told by the spawner."""
        view = self._find(User.name == user, WorkSession.server == server, WorkSession.state.not_in(ENDED))
        if view is not None:
            self._note(view.id, state=SessionState.RUNNING, step="", started_at=now())

    def run_operation(self, identity: Identity, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Have git do something in the caller's checkout of `path`, inside their sandbox; return its answer.

        Raises NotFoundError when there is no checkout, ConflictError with git's words when it refuses.
        """
        project = self._projects.get(identity, path)
        facts = ProjectFacts(project.visibility, self._forge.member_level(project.path, identity.user or ""))
        require(identity, Action.FORK_PROJECT, facts, "work on this project")
        view = self.copy_of(identity, project.path)
        if view is None or view.environment_key is None:
            raise NotFoundError("You have no checkout of this project. Open it first.")
        person = self._people.get(identity.user or "")
        place = Place(self._folder / f"operation-{secrets.token_hex(6)}")
        mark = place.folder.name
        upstream_branch = self._projects.get(identity, path).default_branch
        asked = {"folder": view.folder, "upstream_branch": upstream_branch, **request}
        try:
            token = self._token(person, mark[:24])
            return self._checkouts.run(place, person, asked, view.environment_key, token)
        finally:
            self._tokens.revoke_for_run(mark[:24])
            shutil.rmtree(place.folder, ignore_errors=True)

    def fork(self, identity: Identity, path: str) -> str:
        """Return the path of the caller's own copy of a project, made when there is none."""
        project = self._projects.get(identity, path)
        facts = ProjectFacts(project.visibility, self._forge.member_level(project.path, identity.user or ""))
        require(identity, Action.FORK_PROJECT, facts, "make a copy of this project")
        person = self._people.get(identity.user or "")
        made = self.forks.ensure_fork(project.path, person.name, person.display_name)
        self._projects.refresh(made)
        return made

    def copy_of(self, identity: Identity, path: str) -> SessionView | None:
        """Return the session that made the caller's checkout of a project; None when they have none."""
        of_it = or_(WorkSession.project == path, WorkSession.checkout_of == path)
        return self._find(User.name == identity.user, of_it, WorkSession.folder.is_not(None))

    def _settled(self, views: Sequence[SessionView]) -> list[SessionView]:
        """End those sessions that JupyterHub does not know (any more): it stopped or was killed meanwhile."""
        known: dict[str, set[str]] = {}
        settled = []
        for view in views:
            if not view.ended and view.opened_at < now() - SETTLING:
                if view.owner not in known:
                    try:
                        known[view.owner] = self._hub.servers(view.owner)
                    except UnavailableError:
                        return list(views)
                if view.server not in known[view.owner]:
                    running = view.state == SessionState.RUNNING
                    state = SessionState.STOPPED if running else SessionState.FAILED
                    self._finish(view.id, state, None if running else CUT_OFF)
                    view = self._find(WorkSession.id == view.id) or view  # noqa: PLW2901
            settled.append(view)
        return settled

    def _enter(self, identity: Identity, path: str, kind: str) -> SessionView:
        """Return the caller's session on `path`: the one that is there, or a new one."""
        limits = self._settings.sessions
        mine = (User.name == identity.user, WorkSession.state.not_in(ENDED))
        with self._database.write() as session:
            row = session.scalar(
                select(WorkSession)
                .join(WorkSession.owner)
                .where(*mine, WorkSession.project == path, WorkSession.kind == kind)
                .options(selectinload(WorkSession.owner))
            )
            if row is not None:
                return _view(row)
            own = session.scalar(select(func.count()).select_from(WorkSession).join(User).where(*mine)) or 0
            if own >= limits.per_person:
                raise LimitReachedError(
                    f"You have {own} sessions open, the most at once. Stop one under My work, then open this."
                )
            everyone = session.scalar(select(func.count()).where(WorkSession.state.not_in(ENDED))) or 0
            if everyone >= limits.at_once:
                raise LimitReachedError(
                    f"All {limits.at_once} places of this machine are taken. Try again when a session ended."
                )
            owner = session.scalars(select(User).where(User.name == identity.user)).one()
            row = WorkSession(
                id=secrets.token_hex(8),
                owner=owner,
                project=path,
                kind=kind,
                server=server_name(path, kind),
                state=SessionState.PREPARING,
                step=STEPS["asking"],
                opened_at=now(),
            )
            session.add(row)
            session.flush()
            return _view(row)

    def _step(self, view: SessionView) -> Waiting | Prepared:
        person = self._people.get(view.owner)
        identity = self._people.identity_of(view.owner)
        if identity is None:
            raise ConflictError(f"The account {view.owner} is closed.")
        if view.checkout_of is None:
            return self._choose_repository(view, person, identity)
        key = view.environment_key
        if key is None:
            key = self._projects.snapshot(identity, view.checkout_of, self._branch(view)).environment_key
            self._note(view.id, environment_key=key)
        environment = self._environments.view(key)
        if environment.state == "failed":
            raise ConflictError(f"The project's environment could not be built. {environment.error}")
        if environment.state != "ready":
            return self._wait(view, "environment")
        self._environments.touch(key)
        place = Place(self._folder / view.id)
        if view.folder is None:
            return self._fetch(view, person, place, key)
        self._note(view.id, state=SessionState.STARTING, step=STEPS["server"])
        return Prepared(
            self._surroundings.server_job(
                place,
                person,
                self._groups.shares(person.name),
                self._groups.gids(person.name),
                kind=view.kind,
                folder=view.folder,
                environment_key=key,
                token=self._token(person, view.id),
            )
        )

    def _choose_repository(self, view: SessionView, person: Person, identity: Identity) -> Waiting:
        """Work on the project itself where the person may write to it, else on their fork."""
        if view.step != STEPS["fork"]:
            return self._wait(view, "fork")
        level = self._forge.member_level(view.project, view.owner)
        if level is not None and level >= WRITES_FROM:
            chosen = view.project
        else:
            chosen = self.forks.ensure_fork(view.project, person.name, person.display_name)
            self._projects.refresh(chosen)
        self._projects.get(identity, chosen)
        self._note(view.id, checkout_of=chosen)
        return self._wait(view, "environment")

    def _fetch(self, view: SessionView, person: Person, place: Place, key: str) -> Waiting:
        """Start the checkout, or see how it is."""
        origin = view.checkout_of or view.project
        namespace, _, name = origin.partition("/")
        upstream = self._surroundings.repository(view.project) if origin != view.project else None
        request = {
            "operation": "open",
            "names": [name, f"{namespace}--{name}".replace("/", "--")],
            "origin": self._surroundings.repository(origin),
            "upstream": upstream,
        }
        answer = self._checkouts.go_on(place, person, request, key, lambda: self._token(person, view.id))
        if answer is None:
            return self._wait(view, "checkout")
        self._note(view.id, folder=answer["folder"])
        return self._wait(view, "server")

    def _branch(self, view: SessionView) -> str | None:
        found = self._forge.project(view.checkout_of or view.project)
        return found.default_branch if found is not None else None

    def _wait(self, view: SessionView, step: str) -> Waiting:
        if view.step != STEPS[step]:
            self._note(view.id, step=STEPS[step])
        return Waiting(STEPS[step])

    def _token(self, person: Person, mark: str) -> str:
        """Make the token that a session or operation carries; it is worthless when that has ended."""
        scopes = frozenset({"api", "alphagenome"})
        self._tokens.revoke_for_run(mark)
        made = self._tokens.create(
            person.name, f"Session {mark[:8]}", scopes, expires_at=now() + TOKEN_LASTS, run_id=mark
        )
        return made.secret

    def _find(self, *conditions: ColumnElement[bool]) -> SessionView | None:
        query = select(WorkSession).join(WorkSession.owner).where(*conditions)
        newest = query.order_by(WorkSession.opened_at.desc(), WorkSession.state).limit(1)
        with self._database.read() as session:
            row = session.scalar(newest.options(selectinload(WorkSession.owner)))
            return None if row is None else _view(row)

    def _note(self, session_id: str, **values: object) -> None:
        with self._database.write() as session:
            _change(session, session_id, values)

    def _finish(self, session_id: str, state: SessionState, error: str | None) -> None:
        """End a session: its token opens nothing any more, its files are removed."""
        with self._database.write() as session:
            _change(session, session_id, {"state": state, "error": error, "step": "", "ended_at": now()})
        self._tokens.revoke_for_run(session_id)
        shutil.rmtree(self._folder / session_id, ignore_errors=True)


def server_name(path: str, kind: str) -> str:
    """Return JupyterHub's name for a server: at most 30 small letters, digits and single hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", path.rpartition("/")[2].lower()).strip("-")[:LONGEST_NAME].strip("-")
    mark = hashlib.sha256(f"{kind} {path}".encode()).hexdigest()[:4]
    return f"{kind[0]}-{slug or 'project'}-{mark}"


def _change(session: Session, session_id: str, values: dict[str, Any]) -> None:
    """Change a session unless it has ended meanwhile."""
    session.execute(
        update(WorkSession)
        .where(WorkSession.id == session_id, WorkSession.state.not_in(ENDED))
        .values(**values)
    )


def _view(row: WorkSession) -> SessionView:
    return SessionView(
        id=row.id,
        owner=row.owner.name,
        project=row.project,
        checkout_of=row.checkout_of,
        kind=row.kind,
        server=row.server,
        state=row.state,
        step=row.step,
        error=row.error,
        environment_key=row.environment_key,
        folder=row.folder,
        opened_at=row.opened_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
