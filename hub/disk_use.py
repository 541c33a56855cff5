"""How much a job has written; standard library alone."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

BLOCK = 512  # what st_blocks counts in, whatever the file system; see stat(2)
ENTRY = 4096  # what even an empty file or folder takes up
CLOSED = 1 << 30  # what a folder that cannot be looked into is taken for


def used_bytes(folders: Iterable[str]) -> int:
    """Return the bytes on disk at and below `folders`; what vanishes meanwhile is not counted.

    A folder that refuses to be read, or whose path is too long to be opened, counts as 1 GiB: nothing can be
    hidden in it.
    """
    total = 0
    ahead = list(folders)
    while ahead:
        folder = ahead.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    total += _entry_bytes(entry, ahead)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            total += CLOSED
    return total


def _entry_bytes(entry: os.DirEntry[str], ahead: list[str]) -> int:
    """Return what one entry takes up itself; a folder is added to those `ahead`."""
    try:
        if entry.is_dir(follow_symlinks=False):
            ahead.append(entry.path)
            return ENTRY
        return max(entry.stat(follow_symlinks=False).st_blocks * BLOCK, ENTRY)
    except OSError:
        return 0


def nameless_bytes(pids: Iterable[int], devices: frozenset[int]) -> int:
    """Return the bytes on `devices` in files that were removed and that `pids` still hold open."""
    seen: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
            for held in descriptors:
                with contextlib.suppress(OSError):
                    found = held.stat()
                    if found.st_nlink == 0 and stat.S_ISREG(found.st_mode) and found.st_dev in devices:
                        seen[found.st_dev, found.st_ino] = found.st_blocks * BLOCK
    return sum(seen.values())


class DiskWatch:
    """Looks again and again, in a thread of its own, at how much more lies in `folders` than at first.

    A look at a large home takes long: the next one waits until ten times as long has passed. `processes`
    returns the processes whose open files count too.
    """

    def __init__(self, folders: list[str], processes: Callable[[], Iterable[int]], pause: float) -> None:
        self._folders = folders
        self._processes = processes
        self._pause = pause
        self._devices = frozenset(path.stat().st_dev for path in map(Path, folders) if path.exists())
        self._first = used_bytes(folders)
        self._stop = threading.Event()
        self.growth = 0

    def start(self, limit: int, tell: Callable[[], None]) -> None:
        """Begin to look; a look that finds more than `limit` bytes more calls `tell`, in its own thread."""
        threading.Thread(target=self._go_on, args=(limit, tell), daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def look(self) -> int:
        """Return how many bytes more there are now than at first."""
        nameless = nameless_bytes(self._processes(), self._devices)
        return used_bytes(self._folders) + nameless - self._first

    def _go_on(self, limit: int, tell: Callable[[], None]) -> None:
        wait = self._pause
        while not self._stop.wait(wait):
            begun = time.monotonic()
            self.growth = self.look()
            if self.growth > limit:
                tell()
            wait = max(self._pause, 10 * (time.monotonic() - begun))
