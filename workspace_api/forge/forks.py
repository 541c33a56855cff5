"""People's forks of projects."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from workspace_api.errors import ConflictError, NotFoundError, UnavailableError
from workspace_api.forge.client import ForgeClient

FORK_SECONDS = 60.0
LOOK_SECONDS = 0.2


class Forks:
    """Makes people's forks, acting for them with the administrator's token."""

    def __init__(self, forge: ForgeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._forge = forge
        self._clock = clock

    def ensure_fork(self, path: str, user: str, display_name: str) -> str:
        """Return the path of `user`'s fork of `path`, made when there is none; a project of theirs is itself.

        Raises ConflictError when something else of theirs has the name.
        """
        namespace, _, name = path.rpartition("/")
        wanted = f"{user}/{name}"
        if namespace == user:
            return path
        origin = self._forge.ask(lambda forge: forge.projects.get(path))
        known = self._forge.find(lambda forge: forge.projects.get(wanted))
        if known is not None:
            if _origin_of(known) == origin.id:
                self._await_import(wanted, known)  # who asked for it may have been killed meanwhile
                return wanted
            if renamed := self._renamed(origin, user):
                return renamed
            raise ConflictError(
                f"You have a project {wanted} already, and it is no fork of {path}. Rename it first."
            )
        self._forge.ensure_user(user, display_name)
        place = {"namespace_path": user, "path": name, "name": name}
        made = self._forge.ask(lambda _forge: origin.forks.create(place, sudo=user))
        self._await_import(wanted, made)
        return wanted

    def _renamed(self, origin: Any, user: str) -> str | None:
        """Return the path of a fork of `origin` that `user` has under another name, or None."""
        forks = self._forge.ask(lambda _forge: origin.forks.list(owned=True, sudo=user, get_all=False))
        mine = [fork.path_with_namespace for fork in forks if fork.namespace["full_path"] == user]
        return str(mine[0]) if mine else None

    def _await_import(self, path: str, made: Any) -> None:
        """Wait until the forge has copied the repository; a real GitLab takes seconds for it."""
        until = self._clock() + FORK_SECONDS
        while self._clock() < until:
            state = getattr(made, "import_status", "none")
            if state in ("finished", "none"):
                return
            if state == "failed":
                raise NotFoundError(f"The forge could not copy the project to {path}. Try again.")
            time.sleep(LOOK_SECONDS)
            made = self._forge.ask(lambda forge: forge.projects.get(path))
        raise UnavailableError(f"The forge is still copying the project to {path}. Try again in a minute.")


def _origin_of(project: Any) -> int:
    """Return the id of what a project is a fork of, 0 for no fork."""
    origin = getattr(project, "forked_from_project", None)
    return int(origin["id"]) if origin else 0
