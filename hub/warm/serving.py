"""What every fork server does: it loads ahead, listens, and has supervisors take jobs on."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.supervisor import take_on
from hub.warm import SOCKET
from hub.warm.forking import forked
from hub.warm.imports import load_ahead
from hub.warm.program import retitle

LONGEST_PATH = 4096
ASKER_SECONDS = 5.0
IDLE_SECONDS = 1800.0  # then the memory is worth more than the next start
TAKEN_ON = b"ok"


def load(checkout: Path) -> None:
    """Load all that is loaded ahead, for good, with our own code in `checkout`.

    Never returns where a package cannot be loaded: starting again would not mend that, so it is said once,
    and jobs go on being started without us.
    """
    try:
        load_ahead(checkout / "hub" / "notebook_runner")
        if len(list(Path("/proc/self/task").iterdir())) != 1:
            raise RuntimeError("a package started a thread while it was loaded")
    except Exception:  # noqa: BLE001 - whatever a package raises
        traceback.print_exc()
        sys.stderr.flush()
        signal.pause()
    sys.path[:] = [path for path in sys.path if path not in ("", str(checkout))]
    gc.collect()
    gc.freeze()


def packages_loaded_from() -> Path:
    """Return the folder of the packages of our own interpreter."""
    return Path(next(path for path in sys.path if path.endswith("site-packages")))


def listening(
    folder: Path,
    name: str = SOCKET,
    kind: socket.SocketKind = socket.SOCK_STREAM,
    seconds: float = IDLE_SECONDS,
) -> socket.socket:
    """Listen in `folder`, for our own account alone; by a short name, as a socket's path may not be long.

    Nobody is waited for longer than `seconds`.
    """
    os.chdir(folder)
    Path(name).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(name)
    Path(name).chmod(0o600)
    listener.listen(64)
    listener.settimeout(seconds)
    os.chdir("/")
    return listener


def answer(listener: socket.socket, asker: socket.socket, watch: Callable[[Path], None]) -> None:
    """Have a fork take on the job that is asked for, and `watch` it; say when it has."""
    asker.settimeout(ASKER_SECONDS)
    with contextlib.suppress(OSError):
        job = asker.recv(LONGEST_PATH)
        if job:
            forked(lambda: _supervise(Path(os.fsdecode(job)), watch, (listener, asker))).wait()
            asker.sendall(TAKEN_ON)


def _supervise(folder: Path, watch: Callable[[Path], None], ours: Sequence[socket.socket]) -> None:
    """In a fork: take the job of `folder` on and see it to its end, without the sockets that are `ours`."""
    for each in ours:
        each.close()
    os.setsid()
    log = os.open(folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    sys.argv = [sys.argv[0], str(folder)]
    retitle((sys.executable, "-m", "hub.supervisor", str(folder)))
    take_on(watch)
