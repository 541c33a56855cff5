"""A bell between processes: who queues work rings it, so that the worker need not look all the time."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

NAME = "worker.sock"


class Bell:
    """A datagram socket in `folder`. Ringing never waits and never fails: the worker looks by itself too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ring(self) -> None:
        """Wake the worker, if one listens."""
        with (
            suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError, PermissionError),
            _Address(self._folder) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b"!", address)

    def listen(self) -> BellListener:
        """Return the listening end; there is one worker, and a new one takes the bell over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return BellListener(self._folder)


class BellListener:
    """The worker's end of the bell."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        (folder / NAME).unlink(missing_ok=True)
        with _Address(folder) as address:
            self._socket.bind(address)
        (folder / NAME).chmod(0o600)

    def wait(self, seconds: float) -> None:
        """Return at the next ring, or after `seconds`."""
        self._socket.settimeout(seconds)
        with suppress(TimeoutError):
            self._socket.recv(16)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


class _Address:
    """The socket's address by way of an open folder: a socket's own path may be no longer than 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._descriptor}/{NAME}"

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
