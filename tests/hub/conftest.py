"""Jobs in a real sandbox, or without one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from hub.environments.uv import UvBuilder
from hub.jobs import Account, Forward, Job, Limits, Listener, Outcome
from hub.launchers import PlainLauncher, SandboxLauncher
from hub.sandbox import Host
from hub.warm import LOADED
from hub.warm.asking import WarmStarts
from hub.warm.waiting import waiting_command
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
            env={"HOME": "/home/jovyan", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
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

    @staticmethod
    def await_up(folder: Path) -> None:
        """Wait until the job of a control folder has written `up`."""
        log = folder / "log"
        wait_for(lambda: log.exists() and "up" in log.read_text(), what="the job")

    def run(self, code: str, **more) -> tuple[Outcome, str]:
        """Run `code` to its end; return how it ended, and what it wrote."""
        launched, folder = self.start(code, **more)
        return self.end(launched), (folder / "log").read_text()

    @staticmethod
    def end(launched) -> Outcome:
        """Wait for the end of a job."""
        return wait_for(launched.outcome, seconds=60, what="the end of the job")


class EnvironmentRunner(Runner):
    """A runner whose jobs are programs of an environment's Python."""

    def __init__(self, launcher, folder: Path, environment: Path) -> None:
        super().__init__(launcher, folder)
        self.environment = environment
        self.script = folder / "script.py"
        self.script.write_text("import sys\nexec(sys.argv.pop())\n")

    def job(self, code: str, *, mounts=(), **more) -> Job:
        """Return a job that runs `code` in the person's home."""
        script = PurePosixPath("/opt/script.py")
        environment = Mount(self.environment, PurePosixPath(self.environment), "ro")
        job = super().job(code, mounts=(Mount(self.script, script, "ro"), environment, *mounts), **more)
        return replace(job, argv=(str(self.environment / "bin" / "python"), "-I", str(script), code))


class WarmRunner(EnvironmentRunner):
    """A runner whose jobs are forks of a fork server."""

    def start(self, code: str, **more):
        """Start `code` by a fork, and return the job with its control folder."""
        launched, folder = super().start(code, **more)
        assert '"warm": {' in (folder / "plan.json").read_text()
        supervisor_log = folder / "supervisor.log"
        assert not supervisor_log.exists() or supervisor_log.read_text() == ""
        return launched, folder


@pytest.fixture(scope="session")
def builder(tmp_path_factory) -> UvBuilder:
    """A builder in a temporary folder, shared; packages come from uv's own cache or the index."""
    return UvBuilder(tmp_path_factory.mktemp("environments"))


@pytest.fixture(scope="session")
def base(builder, tmp_path_factory) -> Path:
    """The environment with the base packages alone."""
    key = builder.key({})
    builder.build(key, {}, tmp_path_factory.mktemp("log") / "log")
    return builder.folder(key)


@dataclass
class ForkServer:
    """A fork server of the tests: it can be started again."""

    folder: Path
    base: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it has loaded everything."""
        (self.folder / LOADED).unlink(missing_ok=True)
        self.process = subprocess.Popen(waiting_command(self.folder, self.base), env={})
        wait_for(self._loaded, what="the fork server")

    def _loaded(self) -> bool:
        WarmStarts(self.folder).expect()
        return (self.folder / LOADED).exists()

    def kill(self) -> None:
        """Kill it as nothing can resist."""
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def shared_fork_server(base, tmp_path_factory) -> Iterator[ForkServer]:
    """A fork server that runs while the tests do."""
    server = ForkServer(tmp_path_factory.mktemp("fork-server") / "warm", base)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def fork_server(shared_fork_server) -> ForkServer:
    """The fork server, started again where a test has killed it."""
    if shared_fork_server.process.poll() is not None:
        shared_fork_server.start()
    return shared_fork_server


@pytest.fixture
def warm(fork_server, tmp_path) -> WarmRunner:
    """A runner whose jobs are forks of the fork server."""
    return WarmRunner(SandboxLauncher(warm=WarmStarts(fork_server.folder)), tmp_path, fork_server.base)


@pytest.fixture
def unwarmed(base, tmp_path_factory) -> EnvironmentRunner:
    """A runner of the same programs by an interpreter of their own."""
    return EnvironmentRunner(SandboxLauncher(), tmp_path_factory.mktemp("unwarmed"), base)


@pytest.fixture(params=["cold", "warm"])
def sandbox(request, tmp_path) -> Runner:
    """A runner whose jobs are in a bubblewrap sandbox, by either way to start."""
    if request.param == "warm":
        return request.getfixturevalue("warm")
    return Runner(SandboxLauncher(), tmp_path)


@pytest.fixture(params=["cold", "warm", "plain"])
def either(request, tmp_path) -> Runner:
    """A runner with each launcher in turn."""
    if request.param == "warm":
        return request.getfixturevalue("warm")
    return Runner(SandboxLauncher() if request.param == "cold" else PlainLauncher(), tmp_path)
