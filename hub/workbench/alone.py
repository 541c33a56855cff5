"""One operation at a time on a checkout; what one that was cut off left behind is put right by the next."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .git import git, lines
from .names import free_name

MARK = "labfork-operation"
MERGING = "labfork-merging"
SETTLING_SECONDS = 2.0


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a checkout against other operations, also those from other sandboxes of its person."""
    with (folder / ".git" / MARK).open("a+", encoding="utf-8") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        mark.seek(0)
        if mark.read():
            _put_right(folder)
        mark.truncate(0)
        mark.write("under way")
        mark.flush()
        try:
            yield
        finally:
            mark.truncate(0)


@contextmanager
def merging(folder: Path) -> Iterator[None]:
    """Note that the merge which is under way is an operation's own; one that goes wrong is given up."""
    note = folder / ".git" / MERGING
    note.touch()
    try:
        yield
    finally:
        _end_merge(folder)


def _put_right(folder: Path) -> None:
    """Remove the locks of a git that was killed, and give up the merge that it was in the middle of."""
    locks = [*(folder / ".git").glob("*.lock"), *(folder / ".git" / "refs").rglob("*.lock")]
    if locks:
        time.sleep(SETTLING_SECONDS)  # one that a terminal holds right now goes by itself
        for lock in locks:
            lock.unlink(missing_ok=True)
    if (folder / ".git" / MERGING).exists():
        _end_merge(folder)


def _end_merge(folder: Path) -> None:
    """Give up the operation's merge if it is still there; what was edited meanwhile gets another name."""
    if (folder / ".git" / "MERGE_HEAD").exists():
        _give_up(folder)
    (folder / ".git" / MERGING).unlink()


def _give_up(folder: Path) -> None:
    written = (folder / ".git" / "index").stat().st_mtime
    for path in lines(folder, "diff", "--name-only", "--diff-filter=U", "-z"):
        file = folder / path
        if file.is_file() and not file.is_symlink() and file.stat().st_mtime > written:
            (folder / free_name(folder, path, "edited while merging")).write_bytes(file.read_bytes())
    git(folder, "merge", "--abort")
