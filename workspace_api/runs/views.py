"""Runs as the rest of the workspace sees them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workspace_api.runs.models import RunState


@dataclass(frozen=True)
class RunView:
    """One run as one caller sees it.

    `title` is what the run was called (the worksheet's title when nobody said), `step` what it is doing in
    words (the heading above the running cell), `owner` the person's name or None for a visitor's or example
    run. `cached_from` names the earlier run whose results these are; `reused` says that this answer to a
    request came from an earlier run. `seconds` is how long it has computed, `estimate` how many seconds runs
    of this worksheet usually take, `queue_position` its place among the waiting ones, from 1. `schema` is the
    worksheet's. `limit_reached` is the limit that ended it: memory, time, disk or processes.
    """

    id: str
    project: str
    notebook: str
    title: str
    worksheet_title: str
    parameters: dict[str, Any]
    schema: Mapping[str, Any]
    state: RunState
    cell: int
    cells: int
    step: str
    error: str | None
    owner: str | None
    mine: bool
    public: bool
    example: bool
    cached_from: str | None
    reused: bool
    commit: str
    version: str | None
    environment_key: str
    backend: str
    attempt: int
    requested_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    seconds: float | None
    queue_position: int | None
    estimate: float | None
    peak_memory_bytes: int | None
    limit_reached: str | None
    can_cancel: bool

    @property
    def short(self) -> str:
        """The first six characters of the id, for people."""
        return self.id[:6]

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state.ended


@dataclass(frozen=True)
class Requested:
    """The answer to a request: `reused` when an earlier or waiting identical run answers it."""

    run: RunView
    reused: bool


@dataclass(frozen=True)
class RunFile:
    """One file of a run's results: its path below the run's folder, bytes, and type for a browser."""

    path: str
    size: int
    media_type: str


@dataclass(frozen=True)
class OpenFile:
    """An opened result file; whoever takes it closes it."""

    fd: int
    path: str
    size: int
    media_type: str

    def close(self) -> None:
        """Close it; to be called once."""
        os.close(self.fd)


@dataclass(frozen=True)
class LogText:
    """A piece of a run's log, and the byte to go on from."""

    text: str
    offset: int
