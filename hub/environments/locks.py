"""One build of a key at a time, across processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.processes import Cancelled

LOOK = 0.1  # seconds between two tries for a lock


@contextmanager
def lock_key(folder: Path, key: str, cancelled: Callable[[], bool]) -> Iterator[int]:
    """Hold the key's lock in `folder`, and give its descriptor: a child that inherits it holds the lock too.

    Raises Cancelled when `cancelled` says so while somebody else holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / f".{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _taken(descriptor):
            if cancelled():
                raise Cancelled(key)
            time.sleep(LOOK)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
