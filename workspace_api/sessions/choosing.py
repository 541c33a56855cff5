"""Which sizes of sessions somebody may use, and which one they get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from auth.identity import Identity
from auth.permissions import Action, SizeFacts, may
from hub.machine import Machine
from workspace_api.errors import ConflictError, FieldError, InvalidInputError
from workspace_api.groups.service import GroupService
from workspace_api.guard import require
from workspace_api.people.models import User
from workspace_api.sessions.models import WorkSession
from workspace_api.sessions.sizes import Size, sizes_of, usual_size
from workspace_api.sessions.table import SessionTable
from workspace_api.settings import SessionSettings


class SizeChoice:
    """The sizes of this workspace on this machine, person by person."""

    def __init__(
        self, table: SessionTable, groups: GroupService, settings: SessionSettings, machine: Machine
    ) -> None:
        self._table = table
        self._groups = groups
        self._sizes = sizes_of(settings, machine)

    def offered(self, identity: Identity) -> list[Size]:
        """Return the sizes that somebody may use."""
        member_of = self._member_of(identity)
        return [
            each for each in self._sizes if may(identity, Action.USE_SIZE, SizeFacts(each.groups, member_of))
        ]

    def usual(self, identity: Identity, path: str, resources: Callable[[], Mapping[str, Any]]) -> Size | None:
        """Return the size that somebody gets on a project unless they choose; None where they may use none.

        It is the one they took there last, else one that has what the project asks for in `resources`, which
        are read only where they decide.
        """
        sizes = self.offered(identity)
        last = self._table.find(User.name == identity.user, WorkSession.project == path)
        if len(sizes) < 2:
            return sizes[0] if sizes else None
        taken = last.size.name if last else None
        asked = {} if taken in [size.name for size in sizes] else resources()
        return usual_size(sizes, last=taken, resources=asked)

    def named(self, identity: Identity, name: str) -> Size:
        """Return the size of this name.

        Raises InvalidInputError where there is none, ForbiddenError where it is kept for groups and the
        caller is in none of them.
        """
        size = next((each for each in self._sizes if each.name == name), None)
        if size is None:
            known = ", ".join(each.name for each in self.offered(identity))
            raise InvalidInputError(
                "The session was not opened.",
                [FieldError("size", f"There is no size “{name[:40]}”; choose from {known or 'none'}.")],
            )
        facts = SizeFacts(size.groups, self._member_of(identity))
        require(identity, Action.USE_SIZE, facts, f"use the size {size.title}")
        return size

    def usual_or_refuse(
        self, identity: Identity, path: str, resources: Callable[[], Mapping[str, Any]]
    ) -> Size:
        """Return what `usual` does; raises ConflictError where the caller may use no size at all."""
        size = self.usual(identity, path, resources)
        if size is None:
            raise ConflictError(
                "Every size of sessions here is kept for members of some group, or needs what this machine "
                "lacks. Ask an administrator for one that you may use."
            )
        return size

    def _member_of(self, identity: Identity) -> frozenset[str]:
        return frozenset(each.group for each in self._groups.of(identity.user or ""))
