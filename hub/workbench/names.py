"""Names for a second copy of a file."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath


def free_name(folder: Path, path: str, words: str) -> str:
    """Return `path` with `words` in its name, such as `a (mine).txt`, as nothing below `folder` is called."""
    extension = PurePosixPath(path).suffix
    root = path.removesuffix(extension)
    name, number = f"{root} ({words}){extension}", 2
    while os.path.lexists(folder / name):
        name, number = f"{root} ({words} {number}){extension}", number + 1
    return name
