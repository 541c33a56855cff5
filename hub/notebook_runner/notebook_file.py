"""The executed notebook on disk: always whole, never older than a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

AUTOSAVE_SECONDS = 5.0


class NotebookFile:
    """Writes a notebook atomically: readers see the previous whole file or the new one."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._saved_at = clock()

    def save(self, notebook: Any) -> None:
        """Write ``notebook`` now; raise OSError when the disk refuses."""
        text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
        partial = self._path.with_name(f".{self._path.name}.partial")
        # A lone surrogate has no UTF-8 form; as \udXXX inside a JSON string it is a valid escape.
        partial.write_bytes(text.encode("utf-8", "backslashreplace"))
        partial.replace(self._path)
        self._saved_at = self._clock()

    def autosave(self, notebook: Any) -> None:
        """Write ``notebook`` if the last write is at least :data:`AUTOSAVE_SECONDS` ago."""
        if self._clock() - self._saved_at >= AUTOSAVE_SECONDS:
            self.save(notebook)
