"""Imports as pages and the API show them."""

from __future__ import annotations

from dataclasses import dataclass

VISIBILITIES = ("private", "internal", "public")
STATES = {
    "scheduled": "waiting",
    "started": "fetching",
    "finished": "ready",
    "none": "ready",
    "failed": "failed",
}
"""The forge's words for how far an import is, and ours; `gone` is a copy that is no longer there."""


@dataclass(frozen=True)
class ImportView:
    """One repository from elsewhere: what was asked for, where the copy is, and how far it is."""

    id: str
    owner: str
    source: str
    ref: str
    path: str
    project: str
    visibility: str
    state: str
    error: str
    default_branch: str

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless somebody asks again."""
        return self.state in ("ready", "failed", "gone")


@dataclass(frozen=True)
class Plan:
    """What would happen if the caller opened an address.

    `project` is there when it is one of this workspace's own; `known` when the caller opened it before;
    `refusal` says why it cannot be opened, and what to do.
    """

    source: str
    host: str
    project: str | None = None
    known: ImportView | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Source:
    """What a project is a copy of; `refusal` says why the caller cannot have it fetched anew."""

    address: str
    fetched: str
    refusal: str = ""
