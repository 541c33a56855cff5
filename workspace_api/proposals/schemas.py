"""What is asked and answered about versions and proposals over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workspace_api.listing import Listing
from workspace_api.proposals.views import CellChange


class Body(BaseModel):
    """Base of what is sent: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class NewVersion(Body):
    """What changed, in words, and a name for the version."""

    message: Annotated[str, Field(max_length=10_000)]
    tag: Annotated[str | None, Field(max_length=255, description="A name such as `v1.1`.")] = None
    insist: Annotated[
        list[Annotated[str, Field(max_length=4_096)]],
        Field(max_length=1_000, description="Files that seem secret and are saved all the same."),
    ] = []


class Return(Body):
    """Which version to go back to."""

    version: Annotated[str, Field(max_length=255)]


class NewProposal(Body):
    """What is proposed, in words."""

    title: Annotated[str, Field(max_length=1000)]
    description: Annotated[str, Field(max_length=20_000)] = ""


class Acceptance(Body):
    """Which state of the proposal was looked at."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Refusal(Body):
    """Why a proposal is declined."""

    reason: Annotated[str, Field(max_length=10_000)] = ""


class ProposalSchema(BaseModel):
    """One proposal; `state` is `open`, `accepted` or `declined`."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    title: str
    description: str
    author: str
    state: str
    source: str
    commit: str
    conflicts: bool
    created_at: dt.datetime
    settled_at: dt.datetime | None


class Proposals(Listing[ProposalSchema]):
    """The proposals to a project; `may_settle` says whether the caller's person may accept and decline them.

    A session is told so of its person, and may itself settle none.
    """

    may_settle: bool


class ChangeSchema(BaseModel):
    """One file that a proposal changes: by `patch`, or the `cells` of a notebook that differ."""

    model_config = ConfigDict(from_attributes=True)

    path: str
    old_path: str
    kind: str
    patch: str
    cells: list[CellChange] | None


class RemarkSchema(BaseModel):
    """What somebody said of a proposal, such as why it was declined."""

    model_config = ConfigDict(from_attributes=True)

    author: str
    words: str
    said_at: dt.datetime


class WholeProposal(ProposalSchema):
    """A proposal with its changes, and what people said of it, oldest first."""

    changes: list[ChangeSchema]
    remarks: list[RemarkSchema]


class Fork(BaseModel):
    """The caller's own copy of a project."""

    path: str
