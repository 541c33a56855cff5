"""Jobs in containers, on the tests' own engine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from hub.containers import ContainerLauncher
from hub.environments.builder import in_environment
from hub.environments.repo2docker import Repo2DockerBuilder
from hub.environments.sources import Sources
from hub.jobs import Job
from hub.warm import LOADED
from hub.warm.asking import WarmContainers
from hub.warm.waiting import keeping_command
from nfs.mounts import Mount
from tests.conftest import wait_for
from tests.engine import BUNDLE
from tests.hub.conftest import Runner

MARK = "secret-of-the-tests"


@dataclass
class Images:
    """A builder, with a name for what it needs to be told of this machine."""

    builder: Repo2DockerBuilder
    folder: Path

    @property
    def records(self) -> Path:
        """Where the builder keeps what it knows of images."""
        return self.folder / "known"

    def key(self, files: dict[str, str]) -> str:
        """Return the key of `files`."""
        return self.builder.key({path: text.encode() for path, text in files.items()})

    def build(self, files: dict[str, str], cancelled=lambda: False) -> tuple[str, str]:
        """Build `files`; return the key and the log."""
        key = self.key(files)
        log = self.folder / "logs" / f"{key}.log"
        self.builder.build(key, files, log, cancelled)
        return key, log.read_text() if log.exists() else ""


class ContainerRunner(Runner):
    """Runs Python code in a container, and says how it ended."""

    def job(self, code: str, **more) -> Job:
        """Return a job that runs `code` with the image's Python."""
        job = super().job(code, **more)
        return replace(job, argv=("/usr/bin/python3", *job.argv[1:]))


@pytest.fixture
def container(docker_engine, tmp_path) -> ContainerRunner:
    """A runner whose jobs are in containers."""
    return ContainerRunner(ContainerLauncher(docker_engine.base, host=docker_engine.host), tmp_path)


@pytest.fixture
def either(container) -> ContainerRunner:
    """What the tests of all launchers run with."""
    return container


@pytest.fixture
def sandbox(container) -> ContainerRunner:
    """What the tests of a sandbox run with."""
    return container


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Sources:
    """How builds on this machine reach packages, with a mark in what no image may keep."""
    bundle = tmp_path_factory.mktemp("ca") / "bundle.crt"
    bundle.write_text(BUNDLE.read_text() + f"# {MARK}\n")
    return Sources(ca_bundle=bundle, no_proxy=f"{MARK}.example", network="host", cache="labfork-test-uv")


@pytest.fixture(scope="session")
def make_images(docker_engine, sources, tmp_path_factory):
    """A function that makes a builder in a new folder, after removing every image of an earlier one."""
    for image in docker_engine.client.images.list(filters={"reference": "labfork-test/environment*"}):
        for tag in image.tags:
            docker_engine.client.images.remove(tag, force=True)

    def make(**changes) -> Images:
        base = changes.pop("base", docker_engine.base)
        given = {"host": docker_engine.host, "sources": sources, "repository": "labfork-test/environment"}
        folder = tmp_path_factory.mktemp("images")
        return Images(Repo2DockerBuilder(folder / "known", base, **{**given, **changes}), folder)

    return make


@pytest.fixture(scope="session")
def images(make_images) -> Images:
    """A builder whose images the tests share."""
    return make_images()


class ImageRunner(ContainerRunner):
    """A runner whose jobs are programs of an image's Python."""

    def __init__(self, launcher, folder: Path, images: Images, key: str) -> None:
        super().__init__(launcher, folder)
        self.images = images
        self.key = key
        self.script = folder / "script.py"
        self.script.write_text("import sys\nexec(sys.argv.pop())\n")

    def job(self, code: str, *, mounts=(), **more) -> Job:
        """Return a job that runs `code` in the person's home."""
        script = PurePosixPath("/opt/script.py")
        job = super().job(code, mounts=(Mount(self.script, script, "ro"), *mounts), **more)
        job = in_environment(job, self.images.builder, self.key)
        return replace(job, argv=(str(self.images.builder.python(self.key)), "-I", str(script), code))


class WarmRunner(ImageRunner):
    """A runner whose jobs are forks of a fork server."""

    def start(self, code: str, **more):
        """Start `code` by a fork, and return the job with its control folder."""
        launched, folder = super().start(code, **more)
        assert '"warm": {' in (folder / "plan.json").read_text()
        return launched, folder

    def end(self, launched):
        """Wait for the end of a job, which was a fork."""
        outcome = super().end(launched)
        assert (launched.folder / "supervisor.log").read_text() == ""
        return outcome


@dataclass
class ForkServer:
    """What keeps supervisors and the fork server in its container ready, for the tests: it can be ended."""

    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it as nothing is ended that is asked."""
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def base_key(images) -> str:
    """The key of the environment with the base packages alone."""
    return images.build({})[0]


@pytest.fixture
def fork_server(docker_engine, images, base_key, tmp_path) -> Iterator[ForkServer]:
    """A fork server that has loaded everything."""
    folder = tmp_path / "warm"
    image = images.builder.image(base_key)
    command = keeping_command(folder, images.records, docker_engine.host, image)
    log = (tmp_path / "warm.log").open("wb")
    server = ForkServer(folder, subprocess.Popen(command, env={}, stdout=log, stderr=log))
    starts = WarmContainers(folder, images.records)

    def loaded() -> bool:
        starts.expect()
        return (folder / LOADED).exists()

    wait_for(loaded, seconds=60, what="the fork server")
    yield server
    server.process.terminate()
    server.process.wait(30)
    log.close()


@pytest.fixture
def warm(docker_engine, images, base_key, fork_server, tmp_path) -> WarmRunner:
    """A runner whose jobs are forks."""
    starts = WarmContainers(fork_server.folder, images.records)
    launcher = ContainerLauncher(docker_engine.base, host=docker_engine.host, warm=starts)
    (tmp_path / "warm-jobs").mkdir()
    return WarmRunner(launcher, tmp_path / "warm-jobs", images, base_key)


@pytest.fixture
def unwarmed(docker_engine, images, base_key, tmp_path) -> ImageRunner:
    """A runner whose jobs are the same, but load everything anew."""
    launcher = ContainerLauncher(docker_engine.base, host=docker_engine.host)
    (tmp_path / "cold-jobs").mkdir()
    return ImageRunner(launcher, tmp_path / "cold-jobs", images, base_key)
