"""Groups and their members on the forge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gitlab

from workspace_api.errors import ConflictError, UnavailableError
from workspace_api.forge.client import TAKEN, ForgeClient, as_project
from workspace_api.forge.views import ForgeProject

VISIBILITIES = ("private", "internal", "public")


class ForgeMembers:
    """Brings groups and their members on the forge to what the workspace says, as its administrator.

    Every method may be repeated, and raises UnavailableError when the forge does not answer. A group is known
    as the workspace's own by the `mark` in its description; one without it is somebody else's and is never
    touched.
    """

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def user(self, name: str, display_name: str) -> int:
        """Return the number of a user, who is made unless they are there."""
        return self._forge.ensure_user(name, display_name)

    def taken(self, name: str) -> bool:
        """Whether the forge has a user or a group of this name."""
        return self._forge.find(lambda forge: forge.namespaces.get(name)) is not None

    def ensure_group(self, name: str, title: str, mark: str, visibility: str) -> None:
        """Make a group unless it is there, give it this title, and let it be at least this visible.

        Raises ConflictError where the name belongs to a user, or to a group that is not ours.
        """
        group = self._ours(name, mark)
        wanted = {"name": title, "visibility": visibility}
        if group is None:
            made = {**wanted, "path": name, "description": mark}
            self._forge.ask(lambda forge: forge.groups.create(made))
            return
        if VISIBILITIES.index(group.visibility) >= VISIBILITIES.index(visibility):
            wanted["visibility"] = group.visibility
        if (group.name, group.visibility) != (title, wanted["visibility"]):
            self._forge.ask(lambda forge: forge.groups.update(group.id, wanted))

    def set_members(self, name: str, levels: Mapping[int, int]) -> None:
        """Make exactly these users members of a group, by user id, at these access levels.

        The workspace's own user on the forge, which made the group, stays its owner.
        """
        group = self._forge.ask(lambda forge: forge.groups.get(name))
        own = int(self._forge.ask(lambda forge: forge.http_get("/user"))["id"])
        found = self._forge.ask(lambda forge: group.members.list(get_all=True))
        have = {int(member.id): int(member.access_level) for member in found}
        for user, level in levels.items():
            if user != own and have.get(user) != level:
                self._set_level(group, user, level, known=user in have)
        for user in have.keys() - levels.keys() - {own}:
            self._forge.find(partial(_drop, group, user))

    def projects(self, name: str, mark: str) -> list[ForgeProject]:
        """Return the projects of a group of ours and of those below it; none where there is no such group."""
        group = self._find(name, mark)
        if group is None:
            return []
        found = self._forge.ask(
            lambda forge: group.projects.list(
                get_all=True,
                per_page=100,
                include_subgroups=True,
                with_shared=False,
                order_by="path",
                sort="asc",
            )
        )
        return [as_project(project) for project in found]

    def remove_group(self, name: str, mark: str) -> None:
        """Remove a group of ours; nothing happens when it is not there.

        Raises ConflictError while it holds projects: a GitLab would remove them with it.
        """
        group = self._find(name, mark)
        if group is None:
            return
        if held := self.projects(name, mark):
            raise ConflictError(f"{name} still owns {len(held)} projects on the forge.")
        self._forge.find(lambda forge: forge.groups.delete(group.id))

    def _find(self, name: str, mark: str) -> Any:
        """Return the group if it is there and ours."""
        group = self._forge.find(lambda forge: forge.groups.get(name))
        return group if group is not None and mark in (group.description or "") else None

    def _ours(self, name: str, mark: str) -> Any:
        """Return the group, None where the name is free; ConflictError where it is somebody else's."""
        group = self._find(name, mark)
        if group is None and self.taken(name):
            raise ConflictError(
                f"The forge has “{name}” already, and not for this group. Have it renamed there, or choose "
                "another name here."
            )
        return group

    def _set_level(self, group: Any, user: int, level: int, *, known: bool) -> None:
        """Add a member or change their level, also where somebody else has just added them."""
        if not known:
            try:
                self._forge.ask(lambda forge: group.members.create({"user_id": user, "access_level": level}))
            except UnavailableError as error:
                if getattr(error.__cause__, "response_code", None) not in TAKEN:
                    raise
            else:
                return
        self._forge.ask(lambda forge: group.members.update(user, {"access_level": level}))


def _drop(group: Any, user: int, _forge: gitlab.Gitlab) -> None:
    group.members.delete(user)
