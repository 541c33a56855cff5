"""Tie a process to its parent: when the parent dies, however it dies, the kernel ends the child.

As a program: `python -m deploy.tether LOG COMMAND...` becomes COMMAND, tied, with its output in LOG.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tether() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends, and let SIGINT reach it.

    A parent killed with -9 cannot stop its children itself. A shell that starts a workspace in the
    background has it ignore SIGINT, and children inherit that; JupyterHub stops its services with SIGINT.
    Both settings survive exec.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() == 1:
        sys.exit("the parent process ended before this one was ready")


if __name__ == "__main__":
    tether()
    log, *command = sys.argv[1:]
    with Path(log).open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.execvp(command[0], command)  # noqa: S606 - the command line is the proxy's, set in our configuration
