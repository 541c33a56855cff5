"""A launcher that runs jobs in containers of a Docker Engine on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.jobs import Account, Job, Outcome
from hub.launchers import SupervisedJob, start_supervisor
from hub.sandbox import account_files
from hub.warm import ENTRYPOINT_VARIABLE
from hub.warm.asking import WarmContainers

if TYPE_CHECKING:
    import docker  # type: ignore[import-untyped]

HOST = "unix:///var/run/docker.sock"
START_SECONDS = 20.0
SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from hub.container_supervisor import main; main()"
)
PREFIX = "labfork-job-"
JOB_LABEL = "org.labfork.job"
# The job begins when the supervisor has found its control group and carries its connections: an empty line
# says so. A number is that of a job which was forked into the container: what stays in its place sends it
# what it is sent itself, until the supervisor is gone. Some shells end `read` at a signal, as at the end.
BEGIN_OR_STAY = """
read -r labfork_job || exit
[ "$labfork_job" ] || exec "$@" </dev/null
for labfork_signal in HUP INT QUIT USR1 USR2 TERM; do
    trap "labfork_sent=1; kill -s $labfork_signal $labfork_job 2>/dev/null" $labfork_signal
done
while read -r _ || [ "$labfork_sent" ]; do labfork_sent=; done
"""
GATE = ("/bin/sh", "-c", BEGIN_OR_STAY, "sh")
# What repo2docker names so is a repository's file `start`.
STARTED = ("/bin/sh", "-c", f'exec ${{{ENTRYPOINT_VARIABLE}:+"${ENTRYPOINT_VARIABLE}"}} "$@"', "sh")
ACCOUNT_FILES = ("passwd", "group", "nsswitch.conf")
OPEN_FILES = 16_384
SPARE_FILE_BYTES = 256 << 20  # above the disk limit, so that the watch on the disk speaks first
NANO = 1_000_000_000


@dataclass(frozen=True)
class ImageJob(Job):
    """A job that names the image it runs in."""

    image: str = ""


AnyJob = Job | ImageJob  # of the two pydantic reads the first, unless an image is named


class ContainerLauncher:
    """Runs jobs in containers of the engine at `host`: only what a job mounts is there, as its account.

    `image` is for jobs that name none, such as git in a checkout; `network` is the engine's network for jobs
    with an open one. The engine is on this machine, and we are root: jobs mount folders of this machine, and
    the supervisor enters their network to carry connections.
    """

    def __init__(
        self,
        image: str,
        *,
        host: str = HOST,
        network: str = "bridge",
        warm: WarmContainers | None = None,
    ) -> None:
        self._image = image
        self._host = host
        self._network = network
        self._warm = warm

    def start(self, job: Job, folder: Path) -> ContainerJob:
        """Start `job` once; a folder that started it before gives that same job."""
        if (started := self.adopt(folder)) is not None:
            return started
        folder.mkdir(parents=True, exist_ok=True)
        image = (job.image if isinstance(job, ImageJob) else "") or self._image
        etc = folder / "etc"
        etc.mkdir(exist_ok=True)
        for name, text in account_files(job.account, root=True).items():
            (etc / name).write_text(text, encoding="utf-8")
            (etc / name).chmod(0o644)
        name = container_name(folder)
        plan = {
            "host": self._host,
            "options": {"name": name, **container_options(job, image, etc, self._network)},
            "limits": asdict(job.limits),
            "writable": [str(path) for path in job.writable],
            "forwards": [[forward.port, str(forward.socket)] for forward in job.forwards],
            "open": job.network == "open",
            "listeners": [[str(listener.socket), listener.port] for listener in job.listeners],
            "warm": self._warm.prepared(job, image) if self._warm else None,
        }
        _write_secret(folder / "plan.json", json.dumps(plan))
        if self._warm is None or not self._warm.ask(folder):
            start_supervisor(folder, SUPERVISE, options=("-I",), seconds=START_SECONDS)
        return ContainerJob(folder, self._host)

    def adopt(self, folder: Path) -> ContainerJob | None:
        """Return the job that was started from `folder`, running or ended; None if none ever was."""
        if not (folder / "started").exists():
            if not (folder / "plan.json").exists():
                return None
            start_supervisor(
                folder, SUPERVISE, options=("-I",), seconds=START_SECONDS
            )  # it was only planned when its starter died
        return ContainerJob(folder, self._host)


class ContainerJob(SupervisedJob):
    """A job in a container whose supervisor writes into `folder`."""

    def __init__(self, folder: Path, host: str) -> None:
        super().__init__(folder)
        self._host = host

    def outcome(self) -> Outcome | None:
        """Return how it ended, or None while it runs; a container whose supervisor died is ended, `lost`."""
        if (ended := self._ended()) is not None:
            return ended
        ended = super().outcome()
        if ended is not None and ended.reason == "lost":
            remove_container(self._host, container_name(self.folder))
        return ended


def container_name(folder: Path) -> str:
    """Return the name of the one container that `folder` starts."""
    return PREFIX + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]


def connect(host: str, seconds: float = 60.0) -> docker.DockerClient:
    """Return a client of the engine at `host`, which is given `seconds` for each answer.

    Settings of our own environment do not count.
    """
    import docker

    return docker.DockerClient(base_url=host, timeout=seconds)


@contextlib.contextmanager
def engine(host: str) -> Iterator[docker.DockerClient]:
    """Give a client of the engine at `host`; raises OSError when it does not answer, or refuses."""
    import docker
    import requests

    try:
        with contextlib.closing(connect(host)) as client:
            yield client
    except docker.errors.APIError as error:
        raise OSError(f"the Docker Engine at {host} refused: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise OSError(f"the Docker Engine at {host} does not answer: {error}. Start it.") from error


def remove_container(host: str, name: str) -> None:
    """End the container `name` with all that runs in it, if it is there; raises OSError as `engine` does."""
    import docker

    with engine(host) as client, contextlib.suppress(docker.errors.NotFound):
        client.api.remove_container(name, force=True, v=True)


def container_options(job: Job, image: str, etc: Path, network: str) -> dict[str, Any]:
    """Return what the engine is asked for: a container that holds `job` and nothing more.

    They hold the job's environment, and with it its secrets: they reach the engine through its socket, never
    on a command line. Raises ValueError for a job that would run as root.
    """
    account, limits = job.account, job.limits
    _refuse_root(account)
    temporary = f"mode=1777,nosuid,nodev,size={max(limits.memory_bytes // 2, 1 << 20)}"
    files = [_bind(etc / name, f"/etc/{name}", read_only=True) for name in ACCOUNT_FILES]
    mounts = [_bind(mount.source, str(mount.target), read_only=mount.mode == "ro") for mount in job.mounts]
    return {
        "image": image,
        "entrypoint": [*GATE, *STARTED, *job.argv],
        "stdin_open": True,
        "working_dir": str(job.cwd),
        "environment": dict(job.env),
        "user": f"{account.uid}:{account.gid}",
        "group_add": [str(group) for group in account.groups],
        "hostname": "labfork",
        "labels": {JOB_LABEL: "1"},
        "mounts": [*files, *mounts],
        "network_mode": "none" if job.network == "none" else network,
        "read_only": True,
        "tmpfs": {"/tmp": temporary, "/run": "mode=0755,nosuid,nodev,size=1m"},  # noqa: S108 - its own
        "shm_size": max(limits.memory_bytes // 2, 1 << 20),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "init": True,
        "stop_signal": "SIGTERM",  # whatever the image says: what ends a job asks it so
        "ipc_mode": "private",
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "nano_cpus": int(limits.cpus * NANO),
        "devices": [f"{device}:{device}:rw" for device in job.devices],
        "pids_limit": limits.processes,
        "ulimits": [
            _ulimit("nofile", OPEN_FILES),
            _ulimit("core", 0),
            _ulimit("fsize", limits.disk_bytes + SPARE_FILE_BYTES),
        ],
        "log_config": {"Type": "none", "Config": {}},  # the supervisor keeps the output, up to its limit
    }


def _refuse_root(account: Account) -> None:
    if 0 in (account.uid, account.gid, *account.groups):
        raise ValueError(f"{account} cannot run a job: 0 is root's own number; give it numbers above 0")


def _bind(source: Path, target: str, *, read_only: bool) -> Mapping[str, Any]:
    return {"Type": "bind", "Source": str(source.resolve()), "Target": target, "ReadOnly": read_only}


def _ulimit(name: str, value: int) -> Mapping[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}


def _write_secret(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
