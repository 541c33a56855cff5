"""The versions of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .git import git

MOST = 100
LONGEST = 200
FIELDS = ("%H", "%aI", "%an", "%D", "%s")
TAG = "tag: refs/tags/"


def versions(folder: Path) -> list[dict[str, Any]]:
    """Return the newest commits of the checkout, each with the names (tags) that it was given."""
    shape = "%x1f".join(FIELDS)
    said = git(folder, "log", f"--max-count={MOST}", "-z", "--decorate=full", f"--format=tformat:{shape}")
    found = []
    for line in filter(None, said.split("\0")):
        commit, time, author, marks, subject = (line.split("\x1f") + [""] * len(FIELDS))[: len(FIELDS)]
        names = [mark.removeprefix(TAG) for mark in marks.split(", ") if mark.startswith(TAG)]
        found.append(
            {
                "commit": commit,
                "saved_at": time,
                "author": author[:LONGEST],
                "names": names[:10],
                "message": subject[:LONGEST],
            }
        )
    return found
