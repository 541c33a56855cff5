"""A real Docker Engine of the tests' own, and a base image by debootstrap; nothing is from a registry."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import docker
import pytest

from deploy.base_image import import_archive, write_archive
from tests.conftest import CHECKOUT, wait_for

CACHE = Path(os.environ.get("LABFORK_TEST_CACHE", "/var/tmp/labfork-tests"))
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "labfork-test/base:bookworm"
KEPT = ("engine", "engine-2")  # as many as tests may run at once on one machine
ENGINE_PROGRAMS = ("dockerd", "debootstrap")


@dataclass(frozen=True)
class Engine:
    """A running Docker Engine, and an image in it with Debian, git and Python."""

    host: str
    client: docker.DockerClient
    base: str
    restart: Callable[[], None]  # stops it as its machine's services do, and starts it again
    hung: Callable[[], AbstractContextManager[None]]  # in whose block it does nothing

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a workspace that uses it, and of builds on this machine."""
        return {
            "LABFORK_CONTAINERS__ENGINE": "docker",
            "LABFORK_CONTAINERS__BASE_IMAGE": self.base,
            "LABFORK_CONTAINERS__HOST": self.host,
            "LABFORK_CONTAINERS__BUILD_NETWORK": "host",
            "LABFORK_CONTAINERS__CA_BUNDLE": str(BUNDLE),
            "LABFORK_CONTAINERS__CACHE": "labfork-test-uv",
        }


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A Docker Engine with its own socket and data; what it built before is kept for the next time."""
    require_programs()
    with running_engine() as engine:
        yield engine


@contextlib.contextmanager
def running_engine(*, fresh: bool = False) -> Iterator[Engine]:
    """Run an engine while the block lasts; a `fresh` one has built nothing before."""
    with (
        tempfile.TemporaryDirectory(prefix="labfork-engine-") as temporary,
        _data_root(Path(temporary), KEPT if not fresh else ()) as (data, lock),
    ):
        host = f"unix://{temporary}/s"
        daemon = start_engine(Path(temporary), data, lock)
        client = docker.DockerClient(base_url=host, version="1.41", timeout=120)

        def restart() -> None:
            nonlocal daemon
            _stop(daemon)
            daemon = start_engine(Path(temporary), data, lock)

        @contextlib.contextmanager
        def hung() -> Iterator[None]:
            daemon.send_signal(signal.SIGSTOP)
            try:
                yield
            finally:
                daemon.send_signal(signal.SIGCONT)

        try:
            for left in client.containers.list(all=True):  # by tests that were cut off
                left.remove(force=True)
            import_base(client)
            yield Engine(host, client, BASE, restart, hung)
        finally:
            client.close()
            _stop(daemon)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(60)


def require_programs() -> None:
    """Skip the test where no Docker Engine can be started."""
    if missing := [name for name in ENGINE_PROGRAMS if shutil.which(name) is None] or os.geteuid() != 0:
        pytest.skip(f"a Docker Engine can be started by root alone, with {missing or ENGINE_PROGRAMS}")


def start_engine(folder: Path, data: Path, lock: IO[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a Docker Engine whose socket is `s` in `folder`, and return it when it answers.

    It ends with the tests, however these end, and holds the `lock` of its data until then.
    """
    daemon = subprocess.Popen(
        [
            *(sys.executable, "-m", "deploy.tether", folder / "log", "dockerd"),
            *("--host", f"unix://{folder}/s", "--data-root", data, "--exec-root", folder / "exec"),
            *("--pidfile", folder / "pid"),
        ],
        cwd=CHECKOUT,
        pass_fds=() if lock is None else (lock.fileno(),),
        start_new_session=True,
    )
    client = docker.DockerClient(base_url=f"unix://{folder}/s", version="1.41", timeout=120)
    with contextlib.closing(client):
        wait_for(lambda: _answers(client, daemon, folder / "log"), seconds=60, what="the Docker Engine")
    return daemon


@contextlib.contextmanager
def _data_root(temporary: Path, kept: Sequence[str]) -> Iterator[tuple[Path, IO[str] | None]]:
    """Give the `kept` data of an engine that no other one has now with its lock, else an empty folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        for name in kept:
            lock = stack.enter_context((CACHE / f"{name}.lock").open("w"))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield CACHE / name, lock
                return
        yield temporary / "data", None


def _answers(client: docker.DockerClient, daemon: subprocess.Popen[bytes], log: Path) -> bool:
    if daemon.poll() is not None:
        raise RuntimeError(f"dockerd ended with {daemon.returncode}:\n{log.read_text()[-2000:]}")
    with contextlib.suppress(docker.errors.DockerException, OSError):
        return client.ping()
    return False


def import_base(client: docker.DockerClient) -> None:
    """Make the base image in an engine that has none."""
    with contextlib.suppress(docker.errors.ImageNotFound):
        client.images.get(BASE)
        return
    import_archive(client, base_archive(), BASE)


def base_archive() -> Path:
    """Return the files of the base image as a workspace makes them, kept for the next time."""
    archive = CACHE / "bookworm.tar"
    if not archive.exists():
        write_archive(archive)
    return archive
