"""A fork of the runner that becomes the notebook's kernel: what a kernel needs is loaded already.

Only where the runner itself was loaded ahead, with the very versions that the environment holds. It is forked
before the runner has threads, sockets or signal handlers.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

KERNEL = "ipykernel_launcher"
LOADED_WHILE_WAITING = "ipykernel.debugger"  # a third of a kernel's start, and too intrusive to load ahead


class ForkedKernel:
    """A kernel's process, as far as jupyter_client needs to know one."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end."""
        return self._wait(0)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Spare:
    """The fork, while it waits; it ends by itself when nobody needs it."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._ours.close()
            become_kernel(theirs)
        theirs.close()

    def start(self, command: Sequence[str], folder: str, environment: Mapping[str, str]) -> ForkedKernel:
        """Have it become the kernel that `command` starts; `fits` must be true of that."""
        asked = {"arguments": list(command[3:]), "folder": folder, "environment": dict(environment)}
        with self._ours as ours:
            ours.sendall(json.dumps(asked).encode())
        return ForkedKernel(self._pid)


def fits(command: Sequence[str]) -> bool:
    """Whether `command` starts a kernel of this environment's own Python."""
    return list(command[:3]) == [sys.executable, "-m", KERNEL]


def become_kernel(told: socket.socket) -> None:
    """In the fork: wait to be told, then be that kernel; raises SystemExit at its end."""
    os.setsid()
    importlib.import_module(LOADED_WHILE_WAITING)
    with told, told.makefile("rb") as words:
        text = words.read()
    if not text:
        sys.exit()
    asked = json.loads(text)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    for name in [name for name in sys.modules if name.partition(".")[0] == str(__package__)]:
        del sys.modules[name]
    sys.path.insert(0, str(Path.cwd()))
    # Its default was read from the environment when it was loaded, for a process that was no kernel.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    sys.argv = [KERNEL, *asked["arguments"], parent]
    runpy.run_module(KERNEL, run_name="__main__", alter_sys=True)
    sys.exit()


waiting: list[Spare] = []


def keep_ready() -> None:
    """Fork a spare kernel now, while this process has one thread and nothing open."""
    waiting.append(Spare())
