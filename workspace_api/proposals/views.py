"""What an operation on a checkout did; its words come out of somebody's sandbox, and are checked as such."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Path = Annotated[str, StringConstraints(max_length=4_096)]
Words = Annotated[str, StringConstraints(max_length=2_000)]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
Line = Annotated[str, StringConstraints(max_length=20_000)]
Picture = Annotated[str, StringConstraints(max_length=100_000, pattern=r"^iVBORw0KGgo[A-Za-z0-9+/=]*$")]
MOST = 10_000


class HeldBack(BaseModel):
    """A file that was not saved, why, and whether one may insist on saving it."""

    model_config = ConfigDict(frozen=True)

    path: Path
    reason: Words
    may_insist: bool = False


class KeptBoth(BaseModel):
    """A file that both sides changed in one place; `other` holds their side, empty where they deleted it."""

    model_config = ConfigDict(frozen=True)

    path: Path
    other: Path


class Done(BaseModel):
    """The commit that the checkout is at, whether anything changed, and what needs a look."""

    model_config = ConfigDict(frozen=True)

    commit: Commit
    changed: bool
    held_back: Annotated[list[HeldBack], Field(max_length=MOST)] = []
    both_kept: Annotated[list[KeptBoth], Field(max_length=MOST)] = []
    notes: Annotated[list[Words], Field(max_length=100)] = []


class CellChange(BaseModel):
    """A cell of a notebook that differs: its source as a unified diff, its pictures as PNG in base64."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["added", "removed", "changed"]
    cell: Annotated[str, StringConstraints(max_length=40)]
    number: int | None
    lines: Annotated[list[Line], Field(max_length=MOST)]
    outputs: Annotated[str, StringConstraints(max_length=40)] = ""
    pictures_before: Annotated[list[Picture], Field(max_length=4)] = []
    pictures_after: Annotated[list[Picture], Field(max_length=4)] = []


@dataclass(frozen=True)
class ProposedFile:
    """A file that a proposal changes: by `patch`, empty where it is no text, or `cells` of a notebook."""

    path: str
    old_path: str
    kind: str
    patch: str
    cells: Sequence[CellChange] | None = None


class ChangedFile(BaseModel):
    """A file that differs: by `patch`, or `cells` of a notebook; one that is not saved has a `reason`.

    One that was renamed was at `old_path`, and is the `same` where only its name changed.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    kind: Literal["added", "removed", "changed", "renamed", "held back"]
    old_path: Path = ""
    same: bool = False
    patch: Line = ""
    cells: Annotated[list[CellChange], Field(max_length=1_000)] | None = None
    cut: bool = False
    reason: Words = ""


class Changes(BaseModel):
    """What differs, the commit that the checkout is at, and how many files more than those listed."""

    model_config = ConfigDict(frozen=True)

    commit: Commit
    files: Annotated[list[ChangedFile], Field(max_length=1_000)]
    more: Annotated[int, Field(ge=0)]
    notes: Annotated[list[Words], Field(max_length=100)] = []


class EarlierVersion(BaseModel):
    """A version that the checkout has had, with the names it was given."""

    model_config = ConfigDict(frozen=True)

    commit: Commit
    saved_at: dt.datetime
    author: Words
    names: Annotated[list[Words], Field(max_length=100)]
    message: Words


class History(BaseModel):
    """Versions, newest first."""

    model_config = ConfigDict(frozen=True)

    versions: Annotated[list[EarlierVersion], Field(max_length=1_000)]
