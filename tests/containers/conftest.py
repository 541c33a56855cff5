"""Jobs in containers, on the tests' own engine."""

from __future__ import annotations

import socket
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
def container_launcher(docker_engine) -> ContainerLauncher:
    """A launcher of containers that load everything anew."""
    return ContainerLauncher(docker_engine.base, host=docker_engine.host)


@pytest.fixture
def container(container_launcher, tmp_path) -> ContainerRunner:
    """A runner whose jobs are in containers."""
    return ContainerRunner(container_launcher, tmp_path)


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
    """What keeps supervisors and the fork server in its container ready, for the tests: it starts again."""

    folder: Path
    images: Images
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it has loaded everything."""
        (self.folder / LOADED).unlink(missing_ok=True)
        with (self.images.folder / "warm.log").open("ab") as log:
            self.process = subprocess.Popen(["nohup", *self.command], env={}, stdout=log, stderr=log)
        self.await_loaded()

    def await_loaded(self) -> None:
        """Want it, and wait until it has loaded everything."""
        wait_for(self._loaded, seconds=60, what="the fork server")

    def _loaded(self) -> bool:
        self.starts.expect()
        return self.starts.loaded() is not None

    @property
    def starts(self) -> WarmContainers:
        """How it is asked."""
        return WarmContainers(self.folder, self.images.records)

    def kill(self) -> None:
        """Kill it as nothing can resist."""
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def base_key(images) -> str:
    """The key of the environment with the base packages alone."""
    return images.build({})[0]


@pytest.fixture(scope="session")
def shared_fork_server(docker_engine, images, base_key, tmp_path_factory) -> Iterator[ForkServer]:
    """A fork server that runs while the tests do."""
    folder = tmp_path_factory.mktemp("fork-server") / "warm"
    image = images.builder.image(base_key)
    server = ForkServer(folder, images, keeping_command(folder, images.records, docker_engine.host, image))
    server.start()
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture
def fork_server(shared_fork_server) -> ForkServer:
    """The fork server, started again where a test has killed it."""
    if shared_fork_server.process.poll() is not None:
        shared_fork_server.start()
    return shared_fork_server


@pytest.fixture
def warm(docker_engine, fork_server, base_key, tmp_path) -> WarmRunner:
    """A runner whose jobs are forks that enter containers."""
    launcher = ContainerLauncher(docker_engine.base, host=docker_engine.host, warm=fork_server.starts)
    return WarmRunner(launcher, tmp_path, fork_server.images, base_key)


@pytest.fixture
def unwarmed(docker_engine, images, base_key, tmp_path_factory) -> ImageRunner:
    """A runner of the same programs by an interpreter of their own."""
    launcher = ContainerLauncher(docker_engine.base, host=docker_engine.host)
    return ImageRunner(launcher, tmp_path_factory.mktemp("unwarmed"), images, base_key)


@pytest.fixture(params=["cold", "warm"])
def either(request, container_launcher, tmp_path) -> ContainerRunner:
    """What the tests of all launchers run with, by either way to start."""
    if request.param == "warm":
        return request.getfixturevalue("warm")
    return ContainerRunner(container_launcher, tmp_path)


@pytest.fixture
def sandbox(either) -> ContainerRunner:
    """What the tests of a sandbox run with."""
    return either


@pytest.fixture
def silent_engine(tmp_path) -> Iterator[str]:
    """The address of an engine that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        yield f"unix://{tmp_path}/s"
