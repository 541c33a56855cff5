"""A job's output on disk, kept up to a limit; standard library alone."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

ENDING = b"\n... the rest of the output was dropped\n"


class JobLog:
    """The job's output, kept up to a limit; what comes after is read and dropped, so that it never blocks."""

    def __init__(self, path: Path, limit: int) -> None:
        self._file = path.open("ab", buffering=0)
        self._left = limit - self._file.tell()
        self._lock = threading.Lock()

    def write(self, chunk: bytes) -> None:
        """Keep what still fits, and say once that the rest is dropped; from any thread."""
        with self._lock:
            if self._left <= 0:
                return
            with contextlib.suppress(OSError):  # a full disk ends the log, not the job
                self._file.write(chunk[: self._left])
            self._left -= len(chunk)
            if self._left <= 0:
                with contextlib.suppress(OSError):
                    self._file.write(ENDING)
