"""Wakes a supervisor that waits; standard library alone."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path

NAME = "bell"
RING = b"\n"
MANY_RINGS = 1 << 16  # as many as a pipe holds


class Bell:
    """What the supervisor of `folder` waits at: rung by its own threads, and from outside by `ring`."""

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """Return what can be read when it was rung."""
        return self._pipe

    def ring(self) -> None:
        """Wake whoever waits, or does next; from any thread."""
        with contextlib.suppress(BlockingIOError):  # it rings already
            os.write(self._pipe, RING)

    def hush(self) -> None:
        """Have it ring no more."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._pipe, MANY_RINGS)

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, no longer than `seconds`; whether it did."""
        rung = bool(select.select([self], [], [], max(seconds, 0.0))[0])
        self.hush()
        return rung


def ring(folder: Path) -> None:
    """Have the supervisor of `folder` look at once at what it is asked for there, if one waits."""
    with contextlib.suppress(OSError):  # it waits not yet, or no more
        pipe = os.open(folder / NAME, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(pipe, RING)
        finally:
            os.close(pipe)
