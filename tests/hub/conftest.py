"""Jobs in a real sandbox, or without one."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from hub.jobs import Account, Forward, Job, Limits, Listener, Outcome
from hub.launchers import PlainLauncher, SandboxLauncher
from hub.sandbox import Host
from nfs.mounts import Mount
from tests.conftest import wait_for

PERSON = Account(23_456, 23_456, (34_567,))
PYTHON = str(Host.here().python)
ROOT = os.geteuid() == 0
MIB = 1024**2


class Runner:
    """Runs Python code as a job, and says how it ended."""

    def __init__(self, launcher, folder: Path) -> None:
        self.launcher = launcher
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        if ROOT:
            os.chown(self.home, PERSON.uid, PERSON.gid)
        folder.chmod(0o755)
        self.number = 0

    def job(self, code: str, *, mounts=(), network="none", forwards=(), listeners=(), **limits) -> Job:
        """Return a job that runs `code` in the person's home."""
        usual = {
            "cpus": 2,
            "memory_bytes": 300 * MIB,
            "wall_seconds": 30,
            "processes": 60,
            "disk_bytes": 50 * MIB,
            "log_bytes": 10_000,
        }
        return Job(
            argv=(PYTHON, "-I", "-c", code),
            cwd=PurePosixPath("/home/jovyan"),
            env={"HOME": "/home/jovyan", "PATH": "/usr/bin:/bin"},
            mounts=(Mount(self.home, PurePosixPath("/home/jovyan"), "rw"), *mounts),
            account=PERSON,
            limits=Limits(**{**usual, **limits}),
            network=network,
            forwards=tuple(Forward(*pair) for pair in forwards),
            listeners=tuple(Listener(*pair) for pair in listeners),
            writable=(self.home,),
        )

    def control(self) -> Path:
        """Return a new control folder."""
        self.number += 1
        return self.folder / f"control-{self.number}"

    def start(self, code: str, **more):
        """Start `code`, and return the job with its control folder."""
        folder = self.control()
        return self.launcher.start(self.job(code, **more), folder), folder

    def run(self, code: str, **more) -> tuple[Outcome, str]:
        """Run `code` to its end; return how it ended, and what it wrote."""
        launched, folder = self.start(code, **more)
        return self.end(launched), (folder / "log").read_text()

    @staticmethod
    def end(launched) -> Outcome:
        """Wait for the end of a job."""
        return wait_for(launched.outcome, seconds=60, what="the end of the job")


@pytest.fixture
def sandbox(tmp_path) -> Runner:
    """A runner whose jobs are in a bubblewrap sandbox."""
    return Runner(SandboxLauncher(), tmp_path)


@pytest.fixture(params=[SandboxLauncher, PlainLauncher], ids=["sandbox", "plain"])
def either(request, tmp_path) -> Runner:
    """A runner with each launcher in turn."""
    return Runner(request.param(), tmp_path)
