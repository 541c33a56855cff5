"""The fork server: loads our own packages once, and forks a supervisor for each job it is asked to start.

Started by `hub.warm.waiting` with the Python of the environment that holds the base packages and nothing of
any project. It has one thread, no event loop and no secret, so a fork of it is as good as a new interpreter.
Whoever may connect to its socket, which is the workspace's own account alone, names the folder of a job that
is planned; everything else is said in that folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from hub.records import write_whole
from hub.supervisor import LIBC, PR_SET_CHILD_SUBREAPER
from hub.warm import LOADED
from hub.warm.imports import distributions_loaded
from hub.warm.serving import answer, listening, load, packages_loaded_from
from hub.warm.supervisor import WarmSupervisor
from hub.warm.waiting import CHECKOUT, SURROUNDINGS, waiting_command


def main() -> None:
    """Load everything, then serve in the folder of the first argument until ended."""
    folder, environment = Path(sys.argv[1]), Path(sys.prefix)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    load(CHECKOUT)
    with listening(folder) as listener:
        loaded = {
            "environment": str(environment),
            "python": str(Path(sys.executable).resolve()),
            "distributions": distributions_loaded(packages_loaded_from()),
        }
        write_whole(folder / LOADED, json.dumps(loaded))
        with contextlib.suppress(TimeoutError):
            while True:
                asker, _ = listener.accept()
                with asker:
                    answer(listener, asker, _watch)
    wait_again = waiting_command(folder, environment)
    os.execve(wait_again[0], wait_again, SURROUNDINGS)  # noqa: S606 - our own program


def _watch(folder: Path) -> None:
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    WarmSupervisor(folder).run()
