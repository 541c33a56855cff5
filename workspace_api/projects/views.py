"""Projects as pages and the API show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CardWorksheet:
    """A worksheet in a list: where it is and what it is for."""

    notebook: str
    title: str
    summary: str


@dataclass(frozen=True)
class ProjectCard:
    """A project in a list; `version` and `worksheets` are those of its curated version, if it has one."""

    path: str
    title: str
    summary: str
    area: str
    visibility: str
    version: str | None
    commit: str | None
    environment_key: str | None
    worksheets: tuple[CardWorksheet, ...]


@dataclass(frozen=True)
class ProjectView:
    """One project: its place on the forge, and its curation if it has one."""

    path: str
    namespace: str
    name: str
    visibility: str
    default_branch: str
    curated_version: str | None
    curated_commit: str | None
    area: str | None
    clone_url: str


@dataclass(frozen=True)
class OriginView:
    """What a fork was made from, and how many commits of it the fork has not; None: that is not known."""

    path: str
    behind: int | None


@dataclass(frozen=True)
class OwnProjectView:
    """One of somebody's own projects; `origin` is there for a fork."""

    path: str
    visibility: str
    origin: OriginView | None


@dataclass(frozen=True)
class WorksheetView:
    """One worksheet at one commit."""

    project: str
    project_id: int
    visibility: str
    commit: str
    version: str | None
    notebook: str
    title: str
    summary: str
    schema: Mapping[str, Any]
    notebook_sha256: str
    environment_key: str
    resources: Mapping[str, Any]


@dataclass(frozen=True)
class SnapshotView:
    """What one commit of a project holds."""

    project: ProjectView
    commit: str
    version: str | None
    title: str
    summary: str
    area: str
    readme: str
    environment_key: str
    resources: Mapping[str, Any]
    problems: tuple[str, ...]
    worksheets: tuple[WorksheetView, ...]


@dataclass(frozen=True)
class NewestView:
    """The newest commit of a project's default branch, and how far its environment is."""

    commit: str
    environment_key: str
    environment_state: str
    environment_error: str | None


@dataclass(frozen=True)
class UseView:
    """A project that uses an environment: at how many commits, and the one of them that was read last."""

    path: str
    title: str
    commit: str
    commits: int
    curated_version: str | None


@dataclass(frozen=True)
class VersionView:
    """A saved version of a project."""

    tag: str
    commit: str
    message: str
    created_at: dt.datetime
    curated: bool
