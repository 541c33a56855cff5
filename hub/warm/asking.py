"""How a launcher finds out that a job can have a warm start, and asks for it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from hub.environments.bytecode import packages_folder
from hub.environments.image_records import read_record
from hub.jobs import Job
from hub.sandbox import Host, holding_command, relay_rules
from hub.warm import LOADED, SOCKET, WANTED
from hub.warm.program import understood
from nfs.mounts import Mount

SECONDS = 5.0


def warm_folder(home: Path) -> Path:
    """Return where the fork server of a workspace has its socket."""
    return home / "run" / "warm"


@contextlib.contextmanager
def connected(
    folder: Path, name: str, kind: socket.SocketKind = socket.SOCK_STREAM
) -> Iterator[socket.socket]:
    """Connect to the socket `name` in `folder`, however long its path; raises OSError when nobody listens."""
    at = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, kind) as server:
            server.settimeout(SECONDS)
            server.connect(f"/proc/self/fd/{at}/{name}")
            yield server
    finally:
        os.close(at)


@dataclass(frozen=True)
class ForkServer:
    """What serves in `folder`, if anything does."""

    folder: Path

    def expect(self) -> None:
        """Have the fork server load: somebody will soon want a warm start."""
        if self.folder.is_dir() and not (self.folder / LOADED).exists():
            (self.folder / WANTED).touch()

    def ask(self, job: Path) -> bool:
        """Have the job of the control folder `job` supervised; false when nobody does it."""
        try:
            with connected(self.folder, SOCKET) as server:
                server.sendall(os.fsencode(job))
                server.shutdown(socket.SHUT_WR)
                return bool(server.recv(16)) and (job / "started").exists()
        except OSError:
            return False

    def loaded(self) -> Any:
        """Return what the fork server has loaded; None while it has not."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.folder / LOADED).read_text(encoding="utf-8"))
        return None

    def _loaded_for(self, job: Job) -> Any:
        """Return what the fork server has loaded; None where `job` cannot be warm anyway, or yet."""
        if not understood(job.argv) or any(name.startswith("PYTHON") for name in job.env):
            return None
        if (loaded := self.loaded()) is None:
            self.expect()
        return loaded


class WarmStarts(ForkServer):
    """Warm starts in sandboxes."""

    def prepared(self, job: Job, host: Host) -> tuple[Job, dict[str, Any] | None]:
        """Return `job` as it is for a warm start with what its plan then says; or as it is, and None.

        A warm start is sound where the job's program is run by the interpreter of an environment that has the
        same Python, and every loaded package in the version that is loaded. That environment is then also
        mounted where the loaded modules come from: what they still read or load is the environment's own.
        """
        if (loaded := self._loaded_for(job)) is None:
            return job, None
        base, environment = PurePosixPath(loaded["environment"]), PurePosixPath(job.argv[0]).parents[1]
        mount = next((mount for mount in job.mounts if mount.target == environment), None)
        if mount is None or not _agrees(mount.source, loaded):
            return job, None
        if base != environment:
            job = replace(job, mounts=(*job.mounts, Mount(mount.source, base, "ro")))
        return job, {
            "argv": list(job.argv),
            # as the shell does that opens a cold one's folder
            "env": {"PWD": str(job.cwd), "OLDPWD": "/", **job.env},
            "cwd": str(job.cwd),
            "holder": holding_command(job, host),
            "rules": relay_rules(job),
            "uid": job.account.uid if host.root else None,
            "gid": job.account.gid,
            "groups": list(job.account.groups),
        }


@dataclass(frozen=True)
class WarmContainers(ForkServer):
    """Warm starts in containers; the builder keeps in `records` what it knows of each image."""

    records: Path

    def prepared(self, job: Job, image: str) -> dict[str, Any] | None:
        """Return what the plan of `job` in `image` says for a warm start; None where it cannot have one.

        It is sound where the job's program is run by the image's interpreter, that is the same program as the
        loaded one, and the image has every loaded package in the version that is loaded.
        """
        if (loaded := self._loaded_for(job)) is None:
            return None
        ours, theirs = read_record(self.records, loaded["image"]), read_record(self.records, image)
        if ours is None or theirs is None or job.argv[0] != theirs["python"]:
            return None
        if any(ours[part] != theirs[part] for part in ("python", "program", "packages_folder")):
            return None
        packages = {canonicalize_name(name): version for name, version in theirs["packages"].items()}
        if any(packages.get(name) != version for name, version in map(_named, loaded["distributions"])):
            return None
        return {
            "folder": str(self.folder),
            "variables": loaded["variables"],
            "argv": list(job.argv),
            "cwd": str(job.cwd),
            "uid": job.account.uid,
            "gid": job.account.gid,
            "groups": [job.account.gid, *job.account.groups],  # as the engine sets them
        }


def _named(folder: str) -> tuple[NormalizedName, str]:
    """Return the name and the version of a distribution whose `.dist-info` folder is called `folder`."""
    name, _, version = folder.removesuffix(".dist-info").partition("-")
    return canonicalize_name(name), version


def _agrees(environment: Path, loaded: Mapping[str, Any]) -> bool:
    """Whether an environment has the Python and each distribution, as its folder is called, of the loaded."""
    installed = {folder.name for folder in packages_folder(environment).glob("*.dist-info")}
    same_python = str((environment / "bin" / "python").resolve()) == loaded["python"]
    return same_python and installed.issuperset(loaded["distributions"])
