"""How a launcher finds out that a job can have a warm start, and asks for it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hub.environments.bytecode import packages_folder
from hub.jobs import Job
from hub.sandbox import Host, holding_command, relay_rules
from hub.warm import LOADED, SOCKET, WANTED
from hub.warm.program import understood
from nfs.mounts import Mount

SECONDS = 5.0


def warm_folder(home: Path) -> Path:
    """Return where the fork server of a workspace has its socket."""
    return home / "run" / "warm"


@dataclass(frozen=True)
class WarmStarts:
    """Asks the fork server that serves in `folder`, if one does."""

    folder: Path

    def prepared(self, job: Job, host: Host) -> tuple[Job, dict[str, Any] | None]:
        """Return `job` as it is for a warm start with what its plan then says; or as it is, and None.

        A warm start is sound where the job's program is run by the interpreter of an environment that has the
        same Python, and every loaded package in the version that is loaded. That environment is then also
        mounted where the loaded modules come from: what they still read or load is the environment's own.
        """
        if not understood(job.argv) or any(name.startswith("PYTHON") for name in job.env):
            return job, None
        loaded = self.loaded()
        if loaded is None:
            self.expect()
            return job, None
        base, environment = PurePosixPath(loaded["environment"]), PurePosixPath(job.argv[0]).parents[1]
        mount = next((mount for mount in job.mounts if mount.target == environment), None)
        if mount is None or not _agrees(mount.source, loaded):
            return job, None
        if base != environment:
            job = replace(job, mounts=(*job.mounts, Mount(mount.source, base, "ro")))
        return job, {
            "argv": list(job.argv),
            "env": dict(job.env),
            "cwd": str(job.cwd),
            "holder": holding_command(job, host),
            "rules": relay_rules(job),
            "uid": job.account.uid if host.root else None,
            "gid": job.account.gid,
            "groups": list(job.account.groups),
        }

    def expect(self) -> None:
        """Have the fork server load: somebody will soon want a warm start."""
        if self.folder.is_dir() and not (self.folder / LOADED).exists():
            (self.folder / WANTED).touch()

    def ask(self, job: Path) -> bool:
        """Have the job of the control folder `job` supervised; false when nobody does it."""
        try:
            folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
                server.settimeout(SECONDS)
                server.connect(f"/proc/self/fd/{folder}/{SOCKET}")
                server.sendall(os.fsencode(job))
                server.shutdown(socket.SHUT_WR)
                return bool(server.recv(16)) and (job / "started").exists()
        except OSError:
            return False
        finally:
            os.close(folder)

    def loaded(self) -> Any:
        """Return what the fork server has loaded; None while it has not."""
        try:
            return json.loads((self.folder / LOADED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None


def _agrees(environment: Path, loaded: Mapping[str, Any]) -> bool:
    """Whether an environment has the Python and each distribution, as its folder is called, of the loaded."""
    installed = {folder.name for folder in packages_folder(environment).glob("*.dist-info")}
    same_python = str((environment / "bin" / "python").resolve()) == loaded["python"]
    return same_python and installed.issuperset(loaded["distributions"])
