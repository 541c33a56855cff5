"""Small files that say what became of a job, written whole or not at all; standard library alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RECORD_BYTES = 512


def reserve_record(path: Path) -> None:
    """Take the room that `write_record` needs, so that a disk filled meanwhile does not hinder it."""
    _temporary(path).write_bytes(b" " * RECORD_BYTES)


def write_record(path: Path, content: Any, *, lasting: bool) -> None:
    """Write JSON to `path`; what is `lasting` also survives a sudden end of the machine.

    Written over reserved room and filled up with spaces, which JSON allows.
    """
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(content).encode().ljust(RECORD_BYTES))
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    temporary.replace(path)


def write_whole(path: Path, text: str) -> None:
    """Write a file that only we may read; whoever does finds all of it, or what was there before."""
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}")
