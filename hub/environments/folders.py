"""Takes a folder away in one step, and then its files one by one, however long that takes."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def set_aside(folder: Path) -> Path | None:
    """Give `folder` a hidden name of its own beside it, and return that; None where there is no folder."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.gone")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def discard(folder: Path | None) -> None:
    """Delete a folder that was set aside, also parts that somebody made unreadable; None is nothing.

    What cannot be deleted now stays for whoever tidies up next.
    """
    if folder is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _open(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _open(folder: Path) -> None:
    folder.chmod(0o700)
    for where, names, _ in os.walk(folder):  # a folder is opened before it is entered
        for name in names:
            inner = Path(where) / name
            if not inner.is_symlink():
                inner.chmod(0o700)
