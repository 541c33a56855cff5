"""Request and response shapes of imports."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ImportRequest(BaseModel):
    """Which repository to open."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(max_length=1000, description="Address, such as https://github.com/owner/name.")
    ref: str = Field("", max_length=255, description="Branch, tag or commit; empty: its default branch.")
    path: str = Field("", max_length=500, description="File to open, below the repository.")
    visibility: Literal["private", "internal", "public"] = "private"


class ImportOut(BaseModel):
    """How far a repository from elsewhere is; `project` is its copy here."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    source: str
    ref: str
    path: str
    project: str
    visibility: str
    state: Literal["waiting", "fetching", "ready", "failed", "gone"]
    error: str
