"""Keeps ready what starts jobs in containers: their supervisors, and the fork server in its container.

A supervisor of a container is a fork of this process, which has loaded what it needs. The fork server runs in
the files of the image that holds the base packages alone, and loads when somebody will want a warm start.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import docker  # type: ignore[import-untyped]

from hub.container_supervisor import ENGINE_ERRORS, LIBC, PR_SET_PDEATHSIG, supervise
from hub.containers import connect
from hub.environments.image_records import read_record
from hub.warm import LOADED, WANTED
from hub.warm.forking import HANDLED, Forked, forked
from hub.warm.serving import answer, listening
from hub.warm.waiting import BEGIN, CHECKOUT, SURROUNDINGS, TITLE_ROOM

PREFIX = "labfork-warm-"
LOOK_SECONDS = 0.5
ENGINE_SECONDS = 10.0  # for each answer, before it counts as away
LAST_SECONDS = 8.0  # JupyterHub, which ends us, asks more firmly after ten
NO_ENGINE = 75  # how a fork ends that got nothing of it; EX_TEMPFAIL of sysexits.h
NOBODY = "65534:65534"
CODE, FOLDER = "/opt/labfork-warm", "/run/labfork-warm"  # where the fork server sees ours
NOTHING = ["/bin/sleep", "infinity"]


class ForkServerInContainer:
    """The fork server: started when it is wanted, and gone again when nobody has wanted it for long.

    Whatever asks the engine is a fork of ours: an engine that does not answer keeps us from nothing.
    """

    def __init__(self, folder: Path, records: Path, host: str, image: str) -> None:
        self._folder = folder
        self._records = records
        self._host = host
        self._image = image
        self._name = PREFIX + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
        self._keeper = os.getpid()
        self._fork: Forked | None = None  # what becomes the fork server, or clears up what one has left
        self._left = True  # an earlier one may have left something
        self._in_trouble = False  # which is said once

    def look(self) -> None:
        """Start it when it is wanted and its image is there; clear up what is left of one that ended."""
        if self._fork is not None and self._fork.poll() is None:
            return
        if self._left:
            self._in_trouble = self._fork is not None and self._fork.returncode == NO_ENGINE
            self._left = False
            self._forget()
            self._fork = forked(self._clear)
        elif (self._folder / WANTED).exists() and read_record(self._records, self._image) is not None:
            self._left = True
            self._fork = forked(self._become)

    def end(self) -> None:
        """Leave nothing of it, unless the engine does not answer."""
        if self._fork is not None:
            self._fork.kill()
            self._fork.wait()
        self._forget()
        forked(self._clear).wait_at_most(LAST_SECONDS)

    def _forget(self) -> None:
        """Wait to be wanted again."""
        for name in (LOADED, WANTED):
            (self._folder / name).unlink(missing_ok=True)

    def _clear(self) -> None:
        """In a fork: remove its container; where the engine is away, whoever starts it next does."""
        with contextlib.suppress(*ENGINE_ERRORS), self._engine() as client:
            client.api.remove_container(self._name, force=True, v=True)

    def _become(self) -> None:
        """In a fork: start its container and be the fork server in there, which ends with who keeps it."""
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._keeper:
            return
        try:
            pid, variables = self._start()
        except ENGINE_ERRORS as error:
            if not self._in_trouble:
                print(f"the fork server cannot be started: {error}", file=sys.stderr, flush=True)
            os._exit(NO_ENGINE)
        env = {**dict(variable.split("=", 1) for variable in variables), **SURROUNDINGS}
        command = entering_command(pid, read_record(self._records, self._image)["python"], self._image)
        os.execvpe(command[0], command, env)  # noqa: S606 - our own program

    def _start(self) -> tuple[int, list[str]]:
        """Start its container; return the first process, and the variables that the image sets."""
        with self._engine() as client:
            with contextlib.suppress(docker.errors.NotFound):
                client.api.remove_container(self._name, force=True, v=True)
            # not `run`, which would fetch an image that is gone from whoever has its name in a registry
            container = client.containers.create(self._image, name=self._name, **self._options())
            container.start()
            container.reload()
            return container.attrs["State"]["Pid"], container.attrs["Config"]["Env"]

    def _engine(self) -> contextlib.closing[docker.DockerClient]:
        return contextlib.closing(connect(self._host, ENGINE_SECONDS))

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
    """Return the command of the fork server: it sees the files of process `pid`, and this machine's /proc."""
    return [
        *("nsenter", f"--mount=/proc/{pid}/ns/mnt"),
        *("unshare", "--mount-proc", python, "-c", BEGIN.format("container_forks")),
        *(CODE, CODE, FOLDER, image, TITLE_ROOM),
    ]


def main() -> NoReturn:
    """Serve in the folder of the first argument until ended; see `hub.warm.waiting.keeping_command`."""
    folder, records, host, image = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    forks = ForkServerInContainer(folder, records, host, image)
    forks.look()
    for number in HANDLED:
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
        forks.end()
