"""Reads what the notebook runner tells while it works; whoever runs there may have written anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nfs.beneath import UnsafePathError, folder, open_plain

NAME = "events.jsonl"
LONGEST_LINE = 100_000
MOST_BYTES = 20_000_000
MOST_CELLS = 100_000
LONGEST_STEP = 300
LONGEST_MESSAGE = 4_000


@dataclass(frozen=True)
class Progress:
    """How far a notebook is; `ending` is how it said it ended (finished, failed, refused), `message` why."""

    cell: int = 0
    cells: int = 0
    step: str = ""
    ending: str = ""
    message: str = ""


def advance(progress: Progress, line: bytes) -> Progress:
    """Return the progress after one line; a line that is not one of the runner's changes nothing."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return progress
    if not isinstance(event, dict):
        return progress
    match event.get("event"):
        case "started":
            return replace(progress, cells=_count(event.get("cells")))
        case "cell":
            return replace(
                progress,
                cell=_count(event.get("cell")),
                cells=_count(event.get("cells")),
                step=_text(event.get("heading"), LONGEST_STEP),
            )
        case "failed":
            return replace(progress, ending="failed", message=_failure(event))
        case "refused":
            return replace(progress, ending="refused", message=_text(event.get("message"), LONGEST_MESSAGE))
        case "finished":
            return replace(progress, ending="finished")
    return progress


class EventReader:
    """Follows the event file in the folder `result`, as it grows."""

    def __init__(self, result: Path) -> None:
        self._result = result
        self._fd: int | None = None
        self._rest = b""
        self._read = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines written since the last call; lines that are too long are passed over."""
        if self._fd is None:
            self._fd = self._open()
        while self._fd is not None and self._read < MOST_BYTES and (chunk := os.read(self._fd, 1 << 16)):
            self._read += len(chunk)
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            yield from (line for line in whole if len(line) <= LONGEST_LINE)
            self._rest = self._rest[: LONGEST_LINE + 1]

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int | None:
        try:
            with folder(self._result) as at:
                return open_plain(at, NAME)
        except (FileNotFoundError, UnsafePathError):
            return None


def _failure(event: dict[str, Any]) -> str:
    error, message = _text(event.get("error"), 200), _text(event.get("message"), LONGEST_MESSAGE)
    heading = _text(event.get("heading"), LONGEST_STEP)
    place = f" (at “{heading}”)" if heading else ""
    return f"{error}: {message}{place}" if error else f"{message}{place}"


def _count(value: Any) -> int:
    return min(max(value, 0), MOST_CELLS) if type(value) is int else 0


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str):
        return ""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in value[:most])
    return clean.strip()
