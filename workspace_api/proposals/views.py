"""What an operation on a checkout did; its words come out of somebody's sandbox, and are checked as such."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Path = Annotated[str, StringConstraints(max_length=4_096)]
Words = Annotated[str, StringConstraints(max_length=2_000)]
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

    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    changed: bool
    held_back: Annotated[list[HeldBack], Field(max_length=MOST)] = []
    both_kept: Annotated[list[KeptBoth], Field(max_length=MOST)] = []
    notes: Annotated[list[Words], Field(max_length=100)] = []
