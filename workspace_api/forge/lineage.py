"""Where projects come from and what became of them: origins, forks, and how far these are behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workspace_api.forge.client import ForgeClient
from workspace_api.forge.imports import PASSING

MOST = 100


@dataclass(frozen=True)
class Relative:
    """A project with the origin that it was forked from, if it was."""

    path: str
    visibility: str
    origin: str | None


class ForgeLineage:
    """Asks the forge for relations between projects, as its administrator or for a person (`sudo`)."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def of(self, path: str) -> Relative | None:
        """Return the project at `path`, or None."""
        found = self._forge.find(lambda forge: forge.projects.get(path))
        return None if found is None else _relative(found)

    def owned(self, user: str) -> list[Relative]:
        """Return the projects in a person's own namespace, the last that changed first, at most a hundred."""
        if not self._known(user):
            return []
        found = self._forge.ask(
            lambda forge: forge.projects.list(
                owned=True, sudo=user, order_by="last_activity_at", per_page=MOST, get_all=False
            )
        )
        lasting = [project for project in found if not (project.description or "").startswith(PASSING)]
        return [_relative(project) for project in lasting if project.namespace["full_path"] == user]

    def forks(self, path: str, user: str | None) -> list[Relative]:
        """Return the forks of a project that `user` (None: a visitor) may see, at most a hundred."""
        for_whom: dict[str, Any] = {"sudo": user} if user is not None and self._known(user) else {}
        found = self._forge.find(
            lambda forge: forge.projects.get(path, lazy=True).forks.list(
                per_page=MOST, get_all=False, **for_whom
            )
        )
        shown = ("public", "internal") if user is not None else ("public",)
        relatives = [_relative(project) for project in found or ()]
        return relatives if for_whom else [fork for fork in relatives if fork.visibility in shown]

    def behind(self, path: str, origin: str) -> int | None:
        """Return how many commits of `origin` the fork `path` has not; None where they cannot be compared."""

        def compare(forge: Any) -> int:
            fork, source = forge.projects.get(path), forge.projects.get(origin)
            compared = source.repository_compare(
                fork.default_branch, source.default_branch, from_project_id=fork.id
            )
            return len(compared["commits"])

        found: int | None = self._forge.find(compare)
        return found

    def holds(self, path: str, commit: str, other: str) -> bool | None:
        """Whether `commit` has all that `other` has; None where they cannot be compared."""
        compared = self._forge.find(
            lambda forge: forge.projects.get(path, lazy=True).repository_compare(commit, other)
        )
        return None if compared is None else not compared["commits"]

    def _known(self, user: str) -> bool:
        return bool(self._forge.ask(lambda forge: forge.users.list(username=user, get_all=False)))


def _relative(found: Any) -> Relative:
    origin = getattr(found, "forked_from_project", None)
    return Relative(
        path=found.path_with_namespace,
        visibility=found.visibility,
        origin=origin["path_with_namespace"] if origin else None,
    )
