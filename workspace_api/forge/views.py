"""What the forge tells, as plain values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class ForgeProject:
    """A project on the forge."""

    id: int
    path: str
    visibility: str
    default_branch: str
    description: str

    @property
    def namespace(self) -> str:
        """The part of the path before its last name."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Version:
    """A tag: its name, the commit it names, its message, and when that commit was made."""

    tag: str
    commit: str
    message: str
    created_at: dt.datetime


@dataclass(frozen=True)
class TreeEntry:
    """A file of a commit; a symbolic `link` holds where it leads to."""

    path: str
    blob: str
    link: bool = False
