"""Groups as the rest of the workspace sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from auth.permissions import Role


@dataclass(frozen=True)
class Membership:
    """One person's place in a group; `gid` is the number that its files belong to."""

    group: str
    role: Role
    gid: int


@dataclass(frozen=True)
class GroupView:
    """A group, with the role of whoever asked (None for no member) and how many members it has.

    `trouble` says why the forge is behind; it is empty while the forge has followed. `storage` is where
    members find its files.
    """

    name: str
    title: str
    role: Role | None
    members: int
    gid: int
    trouble: str
    created_at: dt.datetime
    storage: PurePosixPath


@dataclass(frozen=True)
class MemberView:
    """A member of a group."""

    name: str
    display_name: str
    role: Role
    since: dt.datetime


@dataclass(frozen=True)
class Removed:
    """A removed group: where its files are, below the workspace's folder, and whether all of it is done."""

    name: str
    files: PurePosixPath
    done: bool


@dataclass(frozen=True)
class Wanted:
    """What the forge and the disk are to be brought to.

    `mark` tells this group of ours from any other on the forge; `people` maps a name to its shown name and
    role.
    """

    name: str
    title: str
    gid: int
    mark: str
    visibility: str
    removing: bool
    revision: int
    people: Mapping[str, tuple[str, Role]]
