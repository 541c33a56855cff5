"""Waits until there is something to load, then becomes the fork server; standard library alone.

Until somebody wants a warm start, and until the base environment is built, it is a small process that does
nothing: what the fork server loads takes a hundred megabytes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from hub.warm import LOADED, WANTED

CHECKOUT = Path(__file__).resolve().parents[2]
BUILT = ".labfork-complete"
LOOK_SECONDS = 0.5
BEGIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from hub.warm.{} import main; main()"
TITLE_ROOM = " " * 4000  # a fork shows the command line of its job in the place of ours
# The same in every session and run, and all that the first environment of a fork ever tells.
SURROUNDINGS = {"HOME": "/home/jovyan", "USER": "jovyan", "LANG": "C.UTF-8", "PATH": os.defpath}


def waiting_command(folder: Path, base: Path) -> list[str]:
    """Return the command of a fork server that serves in `folder`, from the environment `base`."""
    return [sys.executable, "-I", "-S", "-c", BEGIN.format("waiting"), str(CHECKOUT), str(folder), str(base)]


def keeping_command(folder: Path, records: Path, host: str, image: str) -> list[str]:
    """Return the command of what serves in `folder` where jobs run in containers of the engine at `host`.

    `image` holds the base packages alone; `records` is the folder of what is known of images.
    """
    arguments = [str(folder), str(records), host, image, TITLE_ROOM]
    return [sys.executable, "-I", "-c", BEGIN.format("containers"), str(CHECKOUT), *arguments]


def main() -> None:
    """Wait, then load and serve."""
    folder, base = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (LOADED, WANTED):
        (folder / name).unlink(missing_ok=True)
    while not ((folder / WANTED).exists() and (base / BUILT).exists()):
        time.sleep(LOOK_SECONDS)
    python = base / "bin" / "python"
    command = [str(python), "-c", BEGIN.format("server"), str(CHECKOUT), str(folder), TITLE_ROOM]
    os.chdir("/")
    os.execve(python, command, SURROUNDINGS)  # noqa: S606 - our own program, our own packages
