"""Batches as pages and the API show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workspace_api.batches.checking import Problem
from workspace_api.batches.journal import Value
from workspace_api.runs.views import RunView


@dataclass(frozen=True)
class BatchRow:
    """A row with what became of it: `state` is waiting, done or failed."""

    row: int
    line: int
    variant: str
    name: str
    state: str
    error: str | None
    values: Mapping[str, Value]


@dataclass(frozen=True)
class BatchView:
    """One batch as one caller sees it.

    `state` is checked (nothing was started), queued, preparing, running, stopped (rows are left) or
    finished. `done` and `failed` count rows; `run` is the last of its runs, whose ids are `run_ids`.
    `problems` has the first thousand, `problem_count` counts the rows that were left out. `trouble` says
    that its files are gone. `awaits_part` says that its run reached the time limit and another is about to
    follow; `halted` why none follows by itself. With `each_row_runs` each row has a run of its own.
    """

    id: str
    title: str
    project: str
    notebook: str
    commit: str
    version: str | None
    worksheet_title: str
    schema: Mapping[str, Any]
    parameters: Mapping[str, Any] | None
    filename: str
    owner: str
    mine: bool
    rows: int
    done: int
    failed: int
    problems: tuple[Problem, ...]
    problem_count: int
    repeated: int
    created_at: dt.datetime
    state: str
    run: RunView | None
    run_ids: tuple[str, ...]
    rank: str | None
    columns: tuple[str, ...]
    trouble: str | None
    awaits_part: bool
    halted: str | None
    each_row_runs: bool
    can_start: bool
    can_stop: bool
    can_continue: bool

    @property
    def waiting(self) -> int:
        """How many rows have no result yet."""
        return max(0, self.rows - self.done - self.failed)

    @property
    def under_way(self) -> bool:
        """Whether a run of it waits or works."""
        return self.awaits_part or (self.run is not None and not self.run.ended)


@dataclass(frozen=True)
class BatchLine:
    """A batch in a list."""

    id: str
    title: str
    project: str
    notebook: str
    worksheet_title: str
    filename: str
    rows: int
    problem_count: int
    created_at: dt.datetime
    run_id: str | None
