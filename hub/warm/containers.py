"""Keeps ready what starts jobs in containers: their supervisors, and the fork server in its container.

A supervisor of a container is a fork of this process, which has loaded what it needs. The fork server runs in
the files of the image that holds the base packages alone, and loads when somebody will want a warm start.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from hub.container_supervisor import ENGINE_ERRORS, supervise
from hub.containers import connect, remove_container
from hub.environments.image_records import read_record
from hub.warm import LOADED, WANTED
from hub.warm.serving import answer, listening
from hub.warm.waiting import BEGIN, CHECKOUT, SURROUNDINGS, TITLE_ROOM

PREFIX = "labfork-warm-"
LOOK_SECONDS = 0.5
NOBODY = "65534:65534"
CODE, FOLDER = "/opt/labfork-warm", "/run/labfork-warm"  # where the fork server sees ours
NOTHING = ["/bin/sleep", "infinity"]


class ForkServerInContainer:
    """The fork server: started when it is wanted, and gone again when nobody has wanted it for long."""

    def __init__(self, folder: Path, records: Path, host: str, image: str) -> None:
        self._folder = folder
        self._records = records
        self._host = host
        self._image = image
        self._name = PREFIX + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start it when it is wanted and its image is there; clear up what is left of one that ended."""
        if self._process is not None:
            if self._process.poll() is not None:
                self._process = None
                self.remove()
        elif (self._folder / WANTED).exists() and read_record(self._records, self._image) is not None:
            try:
                self._start()
            except ENGINE_ERRORS as error:
                print(f"the fork server cannot be started: {error}", file=sys.stderr, flush=True)
                self.remove()

    def remove(self) -> None:
        """Leave nothing of it, and wait to be wanted again."""
        for name in (LOADED, WANTED):
            (self._folder / name).unlink(missing_ok=True)
        with contextlib.suppress(*ENGINE_ERRORS):  # it is not there, or its engine is not
            remove_container(self._host, self._name)

    def _start(self) -> None:
        self.remove()
        (self._folder / WANTED).touch()  # so that nobody asks again meanwhile
        with contextlib.closing(connect(self._host)) as client:
            # not `run`, which would fetch an image that is gone from whoever has its name in a registry
            container = client.containers.create(self._image, name=self._name, **self._options())
            container.start()
            container.reload()
            pid, variables = container.attrs["State"]["Pid"], container.attrs["Config"]["Env"]
        env = dict(variable.split("=", 1) for variable in variables)
        python = read_record(self._records, self._image)["python"]
        self._process = subprocess.Popen(
            entering_command(pid, python, self._image), env={**env, **SURROUNDINGS}
        )

    def _options(self) -> dict[str, Any]:
        """Return what the engine is asked for: a container that holds the image's files, and does nothing."""
        binds = {
            str(CHECKOUT / "hub"): {"bind": f"{CODE}/hub", "mode": "ro"},
            str(self._folder): {"bind": FOLDER, "mode": "rw"},
        }
        return {
            "entrypoint": NOTHING,
            "user": NOBODY,
            "volumes": binds,
            "read_only": True,
            "network_mode": "none",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "init": True,
            "pids_limit": 16,
            "log_config": {"Type": "none", "Config": {}},
        }


def entering_command(pid: int, python: str, image: str) -> list[str]:
    """Return the command of the fork server: it sees the files of process `pid`, and this machine's /proc.

    It ends with us, unlike what it forked.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL", "nsenter", f"--mount=/proc/{pid}/ns/mnt"),
        *("unshare", "--mount-proc", python, "-c", BEGIN.format("container_forks")),
        *(CODE, CODE, FOLDER, image, TITLE_ROOM),
    ]


def main() -> NoReturn:
    """Serve in the folder of the first argument until ended; see `hub.warm.waiting.keeping_command`."""
    folder, records, host, image = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    forks = ForkServerInContainer(folder, records, host, image)
    forks.remove()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    gc.collect()
    gc.freeze()
    try:
        with listening(folder, seconds=LOOK_SECONDS) as listener:
            while True:
                with contextlib.suppress(TimeoutError):
                    asker, _ = listener.accept()
                    with asker:
                        answer(listener, asker, supervise)
                forks.look()
    finally:
        forks.remove()
