"""Operations of git on a person's checkout, inside their sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auth.identity import Identity
from workspace_api.environments.service import EnvironmentService
from workspace_api.errors import ConflictError, NotFoundError
from workspace_api.people.service import PeopleService
from workspace_api.projects.service import ProjectService
from workspace_api.sessions.carried import new_token
from workspace_api.sessions.checkouts import Checkouts
from workspace_api.sessions.copies import Copies
from workspace_api.sessions.environment import is_built, newest_environment
from workspace_api.sessions.folders import OPERATION_LASTS, SessionFolders
from workspace_api.sessions.surroundings import Surroundings
from workspace_api.sessions.views import SessionView
from workspace_api.tokens.service import TokenService


class Operations:
    """Has git do something in somebody's checkout, as they would themselves."""

    def __init__(
        self,
        projects: ProjectService,
        environments: EnvironmentService,
        people: PeopleService,
        tokens: TokenService,
        copies: Copies,
        checkouts: Checkouts,
        folders: SessionFolders,
        surroundings: Surroundings,
    ) -> None:
        self._projects = projects
        self._environments = environments
        self._people = people
        self._tokens = tokens
        self._copies = copies
        self._checkouts = checkouts
        self._folders = folders
        self._surroundings = surroundings

    def run(self, identity: Identity, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Have git do something in the caller's checkout of `path`, inside their sandbox; return its answer.

        Raises NotFoundError when there is no checkout, ConflictError with git's words when it refuses.
        """
        project = self._projects.get(identity, path)
        self._copies.require_work(identity, project, "work on this project")
        view = self._copies.of(identity, project.path)
        if view is None:
            raise NotFoundError("You have no checkout of this project. Open it first.")
        key = self._usable_environment(identity, view)
        person = self._people.get(identity.user or "")
        place = self._folders.operation()
        mark = place.folder.name
        upstream = self._copies.upstream(identity, view)
        asked = {
            "folder": view.folder,
            "origin": self.repository(view.checkout_of or view.project),
            "upstream": self.repository(upstream.path) if upstream is not None else None,
            "upstream_branch": (upstream or project).default_branch,
            **request,
        }
        try:
            token = new_token(self._tokens, person, mark, OPERATION_LASTS)
            return self._checkouts.run(place, person, asked, key, token)
        finally:
            self._tokens.revoke_for_run(mark)
            self._folders.remove(place)

    def repository(self, path: str) -> str:
        """Return where git in somebody's sandbox finds a project."""
        return self._surroundings.repository(path)

    def _usable_environment(self, identity: Identity, view: SessionView) -> str:
        """Return the environment in which git runs for a checkout: the session's, or what is built now.

        Raises ConflictError while there is none, which a change of the builder or a removal can bring about.
        """
        key = view.environment_key
        if key is None or not self._environments.is_ready(key):
            key = newest_environment(self._projects, identity, view.checkout_of or view.project)
        if not is_built(self._environments, key):
            raise ConflictError("The project's environment is being built anew. Try again when it is ready.")
        return key
