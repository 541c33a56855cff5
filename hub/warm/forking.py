"""How a fork becomes a process of its own; standard library alone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from hub.warm.entering import show_to_its_own

HANDLED = (signal.SIGINT, signal.SIGTERM)  # by some of those who fork


class Forked:
    """A fork of ours, as far as who started it needs to know a process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, as a shell would say it, or None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end."""
        return self._wait(0)

    def wait_at_most(self, seconds: float) -> int | None:
        """Wait for its end, but no longer than `seconds`; return as `poll` does."""
        if self.poll() is None:
            end = os.pidfd_open(self.pid)
            select.select([end], [], [], seconds)
            os.close(end)
        return self.poll()

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _wait(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = shell_status(status)
        return self.returncode


def forked(work: Callable[[], object]) -> Forked:
    """Have a fork of ours do `work` and end; what that raises is said on its standard error.

    Our handlers of signals are not the fork's: what they do is our own business. So a signal that is sent
    while there is not yet one without the other waits, and is then heeded by whom it was sent to.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        if (pid := os.fork()) == 0:
            _work(work, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Forked(pid)


def _work(work: Callable[[], object], blocked: set[int]) -> NoReturn:
    status = 1
    try:
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def settle(output: int, keep: Sequence[int] = ()) -> None:
    """Make this fork a process of its own: its session, its output, no descriptor but those to `keep`.

    Only then may it be looked into by what is around it already.
    """
    os.setsid()
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    for entry in Path("/proc/self/fd").iterdir():  # a limit may be lower than what is open
        if (descriptor := int(entry.name)) not in (0, 1, 2, *keep):
            with contextlib.suppress(OSError):  # the one that the list was read by
                os.close(descriptor)
    show_to_its_own()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def shell_status(status: int) -> int:
    """Return how a process ended, as a shell says it: 128 and the number of the signal that ended it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
