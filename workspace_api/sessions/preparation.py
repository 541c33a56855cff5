"""The preparation of a session's server, one step at a time, by what is noted of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auth.identity import Identity
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import ConflictError, NotFoundError
from workspace_api.groups.service import GroupService
from workspace_api.people.models import User
from workspace_api.people.service import PeopleService
from workspace_api.people.views import Person
from workspace_api.projects.service import ProjectService
from workspace_api.sessions.carried import new_token
from workspace_api.sessions.checkouts import Checkouts, holds_checkout
from workspace_api.sessions.copies import Copies
from workspace_api.sessions.environment import is_built, newest_environment
from workspace_api.sessions.folders import SessionFolders
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.surroundings import Place, Surroundings
from workspace_api.sessions.table import SessionTable
from workspace_api.sessions.views import Prepared, SessionView, Waiting
from workspace_api.tokens.service import TokenService

NOT_OPEN = "Open the project from its page; this session was stopped or never opened."
STEPS = {
    "fork": "Making your own copy of the project",
    "environment": "Building the environment",
    "checkout": "Fetching the project into your home",
    "server": "Starting",
}


class Preparation:
    """Prepares sessions: whose project, its environment, the checkout, and the job of the server.

    Each step that is done is noted and nothing is kept in memory, so a process that dies in the middle loses
    none of it.
    """

    def __init__(
        self,
        table: SessionTable,
        projects: ProjectService,
        environments: EnvironmentService,
        people: PeopleService,
        groups: GroupService,
        tokens: TokenService,
        copies: Copies,
        checkouts: Checkouts,
        folders: SessionFolders,
        surroundings: Surroundings,
    ) -> None:
        self._table = table
        self._projects = projects
        self._environments = environments
        self._people = people
        self._groups = groups
        self._tokens = tokens
        self._copies = copies
        self._checkouts = checkouts
        self._folders = folders
        self._surroundings = surroundings

    def go_on(self, view: SessionView) -> Waiting | Prepared:
        """Go on until something has to be waited for, or the job is there.

        Raises NotFoundError where the session was stopped meanwhile, and ConflictError, in words for the
        person, where it cannot be prepared.
        """
        person = self._people.get(view.owner)
        identity = self._people.identity_of(view.owner)
        if identity is None:
            raise ConflictError(f"The account {view.owner} is closed.")
        repository = view.checkout_of or self._choose_repository(view, person, identity)
        key = view.environment_key
        if key is None:
            key = newest_environment(self._projects, identity, repository)
            self._note(view, environment_key=key)
        if not is_built(self._environments, key):
            return self._wait(view, "environment")
        place = self._folders.of(view.id)
        folder = view.folder or self._fetch(view, repository, person, place, key)
        if folder is None:
            return replace(self._wait(view, "checkout"), until=place.answer)
        self._note(view, state=SessionState.STARTING, step=STEPS["server"], folder=folder)
        return Prepared(
            self._surroundings.server_job(
                place,
                person,
                self._groups.shares(person.name),
                self._groups.gids(person.name),
                size=view.size,
                kind=view.kind,
                project=view.project,
                folder=folder,
                environment_key=key,
                token=new_token(self._tokens, person, view.id),
            )
        )

    def _choose_repository(self, view: SessionView, person: Person, identity: Identity) -> str:
        """Work on the project itself where the person may write to it, else on their fork."""
        self._wait(view, "fork")
        chosen = self._copies.to_work_on(view.project, person)
        self._projects.refresh(chosen)
        self._projects.get(identity, chosen)
        self._note(view, checkout_of=chosen, step=STEPS["environment"])
        return chosen

    def _fetch(self, view: SessionView, origin: str, person: Person, place: Place, key: str) -> str | None:
        """Return the folder of the checkout, None while it is fetched; an earlier one is taken as it is."""
        known = self._known_checkout(view, person, origin)
        if known is not None:
            return known
        namespace, _, name = origin.partition("/")
        upstream = self._surroundings.repository(view.project) if origin != view.project else None
        request = {
            "operation": "open",
            "names": [name, f"{namespace}--{name}".replace("/", "--")],
            "origin": self._surroundings.repository(origin),
            "upstream": upstream,
        }
        answer = self._checkouts.go_on(
            place, person, request, key, lambda: new_token(self._tokens, person, view.id)
        )
        return None if answer is None else str(answer["folder"])

    def _known_checkout(self, view: SessionView, person: Person, origin: str) -> str | None:
        """Return the folder in which an earlier session of the person had `origin`, if it still is there."""
        of_it = (WorkSession.checkout_of == origin, WorkSession.folder.is_not(None))
        before = self._table.find(User.name == view.owner, *of_it)
        if before is None or before.folder is None:
            return None
        home, repository = self._surroundings.layout.home(person.name), self._surroundings.repository(origin)
        return before.folder if holds_checkout(home, before.folder, repository) else None

    def _wait(self, view: SessionView, step: str) -> Waiting:
        if view.step != STEPS[step]:
            self._note(view, step=STEPS[step])
        return Waiting(STEPS[step])

    def _note(self, view: SessionView, **values: Any) -> None:
        """Note how far a preparation is; raises NotFoundError where the session was stopped meanwhile."""
        if not self._table.change(view.id, **values):
            raise NotFoundError(NOT_OPEN)
