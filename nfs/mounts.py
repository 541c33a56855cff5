"""Which shares a person sees, where, and whether they may write there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from auth.permissions import Role

Mode = Literal["ro", "rw"]

HOME = PurePosixPath("/home/jovyan")
SHARED = PurePosixPath("/shared")


@dataclass(frozen=True)
class Mount:
    """A folder of this machine as somebody sees it at `target`."""

    source: Path
    target: PurePosixPath
    mode: Mode


@dataclass(frozen=True)
class HomeShare:
    """A person's home."""

    folder: Path


@dataclass(frozen=True)
class GroupShare:
    """A group's storage, and the role in it of the person for whom a plan is made."""

    name: str
    folder: Path
    role: Role


def mount_plan(home: HomeShare, groups: Sequence[GroupShare], public: Path) -> list[Mount]:
    """Return the mounts of one person: their home, their groups' storage, and what is public.

    Readers see a group's storage read-only; writers and admins may write there.
    """
    shares = [
        Mount(group.folder, SHARED / group.name, "rw" if group.role in (Role.WRITER, Role.ADMIN) else "ro")
        for group in sorted(groups, key=lambda share: share.name)
    ]
    return [Mount(home.folder, HOME, "rw"), *shares, Mount(public, SHARED / "public", "ro")]
