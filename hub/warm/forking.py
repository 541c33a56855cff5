"""How a fork becomes a process of its own; standard library alone."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from hub.warm.entering import show_to_its_own


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
