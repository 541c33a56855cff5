"""Response shapes of files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FileOut(BaseModel):
    """A file or folder; `path` is what a parameter of a worksheet takes."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    path: str
    folder: bool
    size: int | None


class FolderOut(BaseModel):
    """What is in a folder; `whole` is false where there is more than is listed."""

    model_config = ConfigDict(from_attributes=True)

    path: str
    parent: str | None
    items: list[FileOut]
    whole: bool
