"""Whose projects there are, which was forked from which, and how far forks are behind."""

from __future__ import annotations

from collections.abc import Sequence

from auth.identity import Identity
from workspace_api.errors import NotFoundError, NotSignedInError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.lineage import ForgeLineage, Relative
from workspace_api.projects.service import ProjectService
from workspace_api.projects.views import OriginView, OwnProjectView

MOST_COMPARED = 12  # one's own forks whose distance is asked for in one answer: each is a call of the forge


class LineageService:
    """Answers from the forge itself, each time; nobody learns of a project that they may not see."""

    def __init__(self, projects: ProjectService, forge: ForgeClient) -> None:
        self._projects = projects
        self._lineage = ForgeLineage(forge)

    def mine(self, identity: Identity) -> Sequence[OwnProjectView]:
        """Return the caller's own projects, the last that changed first; forks with how far behind they are.

        The distance is None for a fork beyond the first dozen, and where it cannot be told.
        """
        if identity.user is None:
            raise NotSignedInError("Sign in to see your projects.")
        found, left = [], MOST_COMPARED
        for project in self._lineage.owned(identity.user):
            origin = self._origin(identity, project, compared=left > 0)
            left -= origin is not None
            found.append(OwnProjectView(project.path, project.visibility, origin))
        return found

    def origin(self, identity: Identity, path: str) -> OriginView | None:
        """Return what a project was forked from and how far it is behind; None for no fork.

        Also None where the caller may not know of the origin.
        """
        self._projects.get(identity, path)
        project = self._lineage.of(path)
        return None if project is None else self._origin(identity, project, compared=True)

    def forks(self, identity: Identity, path: str) -> Sequence[str]:
        """Return the paths of the forks of a project that the caller may see."""
        self._projects.get(identity, path)
        return [fork.path for fork in self._lineage.forks(path, identity.user)]

    def _origin(self, identity: Identity, project: Relative, *, compared: bool) -> OriginView | None:
        if project.origin is None:
            return None
        try:
            self._projects.get(identity, project.origin)
        except NotFoundError:
            return None
        behind = self._lineage.behind(project.path, project.origin) if compared else None
        return OriginView(project.origin, behind)
