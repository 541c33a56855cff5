"""Signs of life of the processes that answer no requests, left as the times of small files."""

from __future__ import annotations

import time
from pathlib import Path


class Heartbeats:
    """Signs of life in `folder`, one file for each process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def beat(self, name: str) -> None:
        """Leave a sign that the process `name` (such as `worker`) lives."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.alive").touch()

    def age(self, name: str) -> float | None:
        """Return how many seconds ago the process `name` last left a sign, or None if it never did."""
        try:
            seen = (self._folder / f"{name}.alive").stat().st_mtime
        except FileNotFoundError:
            return None
        return max(0.0, time.time() - seen)
