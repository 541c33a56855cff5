"""What is asked and answered about runs over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from workspace_api.runs.tracks import GenomeView, Track
from workspace_api.runs.views import RunFile, RunView


class RunRequest(BaseModel):
    """A worksheet to run: values that are not given take the worksheet's own."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[str, Field(max_length=510, description="`namespace/name`.")]
    notebook: Annotated[str, Field(max_length=500, description="The worksheet's path in the project.")]
    ref: Annotated[
        str | None, Field(max_length=255, description="Tag, branch or commit; else the curated version.")
    ] = None
    parameters: Annotated[dict[str, Any], Field(description="Values by parameter.")] = {}
    title: Annotated[str | None, Field(description="What to call the run.")] = None
    fresh: Annotated[bool, Field(description="Compute even where an identical run has finished already.")] = (
        False
    )


class ProgressSchema(BaseModel):
    """The running cell among all that run, from 1, and the heading above it."""

    cell: int
    cells: int
    step: str


class RunSchema(BaseModel):
    """One run; `error` says in words what went wrong, `cached_from` whose results these are.

    `limit_reached` names the limit that ended it: memory, time, disk or processes.
    """

    id: str
    project: str
    notebook: str
    title: str
    worksheet_title: str
    parameters: dict[str, Any]
    state: str
    progress: ProgressSchema
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

    @classmethod
    def of(cls, view: RunView) -> Self:
        """Answer with a run."""
        values = {name: getattr(view, name) for name in cls.model_fields if name != "progress"}
        progress = ProgressSchema(cell=view.cell, cells=view.cells, step=view.step)
        return cls(**{**values, "state": str(view.state), "progress": progress})


class RunFileSchema(BaseModel):
    """One file of a run's results; `size` in bytes."""

    path: str
    size: int
    media_type: str


class RunFilesSchema(BaseModel):
    """All files of a run's results."""

    items: list[RunFileSchema]

    @classmethod
    def of(cls, files: Sequence[RunFile]) -> Self:
        """Answer with the files."""
        return cls(items=[RunFileSchema.model_validate(file, from_attributes=True) for file in files])


class TrackSchema(BaseModel):
    """A file along a genome; `starts` is where its data begin, start counted from 0, end not included.

    `format` and `type` are those of igv.js, `index` the path of a tabix index. `trouble` says why it cannot
    be drawn.
    """

    path: str
    kind: str
    format: str
    type: str
    size: int
    index: str | None
    starts: str | None
    trouble: str | None

    @classmethod
    def of(cls, track: Track) -> Self:
        """Answer with a track."""
        return cls(**{**vars(track), "starts": str(track.starts) if track.starts else None})


class GenomeSchema(BaseModel):
    """What of a run lies along a genome, and the place to begin with."""

    assembly: str
    place: str | None
    items: list[TrackSchema]

    @classmethod
    def of(cls, view: GenomeView) -> Self:
        """Answer with the tracks."""
        place = str(view.place) if view.place else None
        return cls(assembly=view.assembly, place=place, items=[TrackSchema.of(each) for each in view.tracks])
