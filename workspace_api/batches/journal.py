"""Reads the journal that a batch's notebook writes: what became of each row; anybody may have written it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workspace_api.batches.checking import MOST_ROWS

MOST_BYTES = 200_000_000
LARGEST = 1e300
LONGEST_LINE = 20_000
MOST_COLUMNS = 30
LONGEST_NAME = 60
LONGEST_TEXT = 500
OWN = frozenset({"row", "state", "error", "line", "variant", "name"})
STATES = ("done", "failed")
Value = str | float | int | None


@dataclass(frozen=True)
class Entry:
    """What became of one row: done with its values, or failed with an error in words."""

    state: str
    values: Mapping[str, Value]
    error: str | None


@dataclass
class Journal:
    """The last word on each row, and the names of the values in the order in which they came."""

    entries: dict[int, Entry] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)

    def count(self, state: str, rows: int) -> int:
        """Return how many of the first `rows` rows are in a state."""
        return sum(entry.state == state for row, entry in self.entries.items() if row <= rows)

    def settled(self, rows: int) -> int:
        """Return how many of the first `rows` rows are done or failed."""
        return sum(row <= rows for row in self.entries)


def read_journal(fd: int) -> Journal:
    """Return what a journal says; what is no line of one, such as the half line after a cut, says nothing."""
    journal = Journal()
    known: set[str] = set()
    read = 0
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            read += len(line)
            if read > MOST_BYTES:
                break
            _note(journal, known, line)
    return journal


def _note(journal: Journal, known: set[str], line: bytes) -> None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return
    if not isinstance(said, dict):
        return
    row, state = said.get("row"), said.get("state")
    if type(row) is not int or not 1 <= row <= MOST_ROWS or state not in STATES:
        return
    values = {}
    for name, value in said.items():
        if name in OWN or not _is_name(name):
            continue
        if name not in known:
            if len(known) >= MOST_COLUMNS:
                continue
            known.add(name)
            journal.columns.append(name)
        values[name] = _plain(value)
    journal.entries[row] = Entry(state, values, _text(said.get("error")) if state == "failed" else None)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()


def _plain(value: Any) -> Value:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value if abs(value) < LARGEST else None  # no infinity, and no NaN, which is less than nothing
    return _text(value) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    clean = "".join(c if c.isprintable() else " " for c in value[:LONGEST_TEXT])
    return clean.encode("utf-8", "replace").decode().strip()
