"""Request and response shapes of projects."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    """Base of responses: filled from the views of the service."""

    model_config = ConfigDict(from_attributes=True)


class NewProject(BaseModel):
    """What a project is to be called, where it goes and what it begins with."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    title: str = Field("", max_length=1000)
    template: str = Field("", max_length=100, description="Empty: one notebook, a worksheet already.")
    group: str = Field("", max_length=100, description="Empty: the caller's own namespace.")
    visibility: str = Field("private", max_length=20, description="private, internal or public.")


class WorksheetBrief(View):
    """A worksheet in a list."""

    notebook: str
    title: str
    summary: str


class ProjectListed(View):
    """A project in the catalogue."""

    path: str
    title: str
    summary: str
    area: str
    visibility: str
    version: str | None
    commit: str | None
    worksheets: list[WorksheetBrief]


class NewestOut(View):
    """The newest commit that was pushed, and how far its environment is; `environment_error` in words."""

    commit: str
    environment_key: str
    environment_state: str
    environment_error: str | None


class ProjectOut(View):
    """One project; `newest` is null until a push to its default branch was seen."""

    path: str
    namespace: str
    name: str
    visibility: str
    default_branch: str
    curated_version: str | None
    curated_commit: str | None
    area: str | None
    clone_url: str
    newest: NewestOut | None = None


class OriginOut(View):
    """What a fork was made from; `behind` counts the commits that it has not, null where that is unknown."""

    path: str
    behind: int | None


class LineageOut(BaseModel):
    """What a project was forked from, null for no fork, and the forks of it that the caller may see."""

    origin: OriginOut | None
    forks: list[str]


class OwnProjectOut(View):
    """One of the caller's own projects."""

    path: str
    visibility: str
    origin: OriginOut | None


class WorksheetOut(View):
    """A worksheet with the JSON Schema of its parameters."""

    project: str
    commit: str
    version: str | None
    notebook: str
    title: str
    summary: str
    parameters: dict[str, Any] = Field(validation_alias="schema")
    environment_key: str


class WorksheetsOut(BaseModel):
    """The worksheets of a commit, and what of it could not be used."""

    items: list[WorksheetOut]
    total: int
    page: int = 1
    per_page: int = 100
    problems: list[str]


class NotebookOut(BaseModel):
    """A notebook of a commit, by its path in the project."""

    path: str


class VersionOut(View):
    """A saved version."""

    tag: str
    commit: str
    message: str
    created_at: dt.datetime
    curated: bool


class CurationIn(BaseModel):
    """What a project is listed as."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(min_length=1, max_length=255)
    area: str = Field("", max_length=80)
    summary: str = Field("", max_length=500)
