"""Folders and files as pages and the API show them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """A file or folder: `path` is what a parameter takes, `size` is in bytes and None for a folder."""

    name: str
    path: str
    folder: bool
    size: int | None


@dataclass(frozen=True)
class Folder:
    """What is in a folder; `whole` is false where there is more than is listed.

    `path` is empty for the top, where the home and the shares are; `parent` is None there.
    """

    path: str
    parent: str | None
    items: tuple[Shown, ...]
    whole: bool = True
