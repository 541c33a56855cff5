"""What is asked and answered about batches over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, Json

from workspace_api.batches.views import BatchLine, BatchRow, BatchView
from workspace_api.runs.schemas import RunSchema


class BatchStart(BaseModel):
    """Values for the worksheet, but for the parameters that take the table and the journal."""

    model_config = ConfigDict(extra="forbid")

    parameters: Annotated[dict[str, Any], Field(description="Values by parameter.")] = {}


class BatchRequest(BaseModel):
    """Rows for a worksheet, and the values that are the same for all of them."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[str, Field(max_length=510, description="`namespace/name`.")]
    notebook: Annotated[str, Field(max_length=500, description="The worksheet's path in the project.")]
    ref: Annotated[str | None, Field(max_length=255, description="Tag, branch or commit.")] = None
    title: Annotated[str | None, Field(max_length=1000, description="What to call it.")] = None
    parameters: Annotated[dict[str, Any], Field(description="Values by parameter.")] = {}
    fresh: Annotated[
        bool,
        Field(description="Compute even where an identical run has finished already."),
    ] = False
    rows: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            description="For a worksheet that takes batches each with `variant`, or with the columns of a "
            "table, and one run for all; else values by parameter, and a run for each.",
        ),
    ]


class BatchForm(BaseModel):
    """The same as a form, with a table in the place of rows; `parameters` is JSON."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[str, Field(max_length=510)]
    notebook: Annotated[str, Field(max_length=500)]
    ref: Annotated[str, Field(max_length=255)] = ""
    title: Annotated[str, Field(max_length=1000)] = ""
    parameters: Json[dict[str, Any]] = {}
    fresh: bool = False
    path: Annotated[str, Field(max_length=1000, description="A table in your home or a share.")] = ""


class ProblemSchema(BaseModel):
    """What is wrong with a line of the table; `kept` says that its row is computed all the same."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    message: str
    kept: bool


class BatchSchema(BaseModel):
    """A batch: `rows` good ones, of which `done`, `failed` and `waiting`; `run` is the last of its runs.

    `state` is checked, queued, preparing, running, stopped or finished; it is queued too while another run is
    about to follow one that reached its time limit (`awaits_part`), and `halted` says why none follows.
    `columns` are the values that rows have so far, `rank` the one by which they are ranked. With
    `each_row_runs` each row has a run of its own, named in its value `run`.
    """

    id: str
    title: str
    project: str
    notebook: str
    commit: str
    version: str | None
    worksheet_title: str
    parameters: dict[str, Any] | None
    filename: str
    owner: str
    rows: int
    done: int
    failed: int
    waiting: int
    problems: list[ProblemSchema]
    problem_count: int
    repeated: int
    created_at: dt.datetime
    state: str
    run: RunSchema | None
    run_ids: list[str]
    rank: str | None
    columns: list[str]
    trouble: str | None
    awaits_part: bool
    halted: str | None
    each_row_runs: bool
    can_start: bool
    can_stop: bool
    can_continue: bool

    @classmethod
    def of(cls, view: BatchView) -> Self:
        """Answer with a batch."""
        values = {name: getattr(view, name) for name in cls.model_fields if name not in ("run", "problems")}
        problems = [ProblemSchema.model_validate(each) for each in view.problems]
        return cls(**values, problems=problems, run=RunSchema.of(view.run) if view.run else None)


class BatchLineSchema(BaseModel):
    """A batch in a list."""

    model_config = ConfigDict(from_attributes=True)

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

    @classmethod
    def of(cls, view: BatchLine) -> Self:
        """Answer with a batch."""
        return cls.model_validate(view)


class BatchRowSchema(BaseModel):
    """A row: its number, the line of the uploaded table, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    row: int
    line: int
    variant: str
    name: str
    state: str
    error: str | None
    values: dict[str, Any]

    @classmethod
    def of(cls, view: BatchRow) -> Self:
        """Answer with a row."""
        return cls.model_validate(view)
