"""The fork server: loads our own packages once, and forks a supervisor for each job it is asked to start.

Started by `hub.warm.waiting` with the Python of the environment that holds the base packages and nothing of
any project. It has one thread, no event loop and no secret, so a fork of it is as good as a new interpreter.
Whoever may connect to its socket, which is the workspace's own account alone, names the folder of a job that
is planned; everything else is said in that folder.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from hub.records import write_whole
from hub.supervisor import LIBC, PR_SET_CHILD_SUBREAPER, take_on
from hub.warm import LOADED, SOCKET
from hub.warm.imports import distributions_loaded, load_ahead
from hub.warm.program import retitle
from hub.warm.supervisor import WarmSupervisor
from hub.warm.waiting import CHECKOUT, SURROUNDINGS, waiting_command

LONGEST_PATH = 4096
ASKER_SECONDS = 5.0
IDLE_SECONDS = 1800.0  # then the memory is worth more than the next start
TAKEN_ON = b"ok"


def main() -> None:
    """Load everything, then serve in the folder of the first argument until ended.

    What cannot be loaded is said once; jobs then go on being started without us.
    """
    folder, environment = Path(sys.argv[1]), Path(sys.prefix)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        load_ahead(CHECKOUT / "hub" / "notebook_runner")
        if len(list(Path("/proc/self/task").iterdir())) != 1:
            raise RuntimeError("a package started a thread while it was loaded")
    except Exception:  # noqa: BLE001 - whatever a package raises; starting us again would not mend it
        traceback.print_exc()
        sys.stderr.flush()
        signal.pause()
    sys.path[:] = [path for path in sys.path if path not in ("", str(CHECKOUT))]
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    gc.collect()
    gc.freeze()
    with listening(folder) as listener:
        loaded = {
            "environment": str(environment),
            "python": str(Path(sys.executable).resolve()),
            "distributions": distributions_loaded(packages),
        }
        write_whole(folder / LOADED, json.dumps(loaded))
        with contextlib.suppress(TimeoutError):
            while True:
                asker, _ = listener.accept()
                with asker:
                    answer(listener, asker)
    wait_again = waiting_command(folder, environment)
    os.execve(wait_again[0], wait_again, SURROUNDINGS)  # noqa: S606 - our own program


def listening(folder: Path) -> socket.socket:
    """Listen in `folder`, for our own account alone; by a short name, as a socket's path may not be long."""
    os.chdir(folder)
    Path(SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    Path(SOCKET).chmod(0o600)
    listener.listen(64)
    listener.settimeout(IDLE_SECONDS)
    os.chdir("/")
    return listener


def answer(listener: socket.socket, asker: socket.socket) -> None:
    """Have a fork take on the job that is asked for, and say when it has."""
    asker.settimeout(ASKER_SECONDS)
    with contextlib.suppress(OSError):
        job = asker.recv(LONGEST_PATH)
        if not job:
            return
        if (taking := os.fork()) == 0:
            listener.close()
            asker.close()
            supervise(Path(os.fsdecode(job)))
        os.waitpid(taking, 0)
        asker.sendall(TAKEN_ON)


def supervise(folder: Path) -> None:
    """In a fork: take the job of `folder` on and see it to its end; never returns."""
    try:
        os.setsid()
        log = os.open(folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)
        sys.argv = [sys.argv[0], str(folder)]
        retitle((sys.executable, "-m", "hub.supervisor", str(folder)))
        take_on(_watch)
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _watch(folder: Path) -> None:
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    WarmSupervisor(folder).run()
