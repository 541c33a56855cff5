"""An engine from which somebody removes a container, and one whose store is full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from hub.containers import PREFIX, ContainerLauncher
from hub.environments.repo2docker import Repo2DockerBuilder
from hub.environments.requirements import BuildFailed
from hub.environments.sources import Sources
from tests.engine import BASE, BUNDLE, import_base, require_programs, start_engine
from tests.hub.test_launchers import marked

pytestmark = pytest.mark.timeout(600)
ROOM = "size=700m"  # enough for the base image, and not for an environment


@dataclass
class SmallEngine:
    """An engine of one test, whose store is a small memory disk."""

    folder: Path
    daemon: subprocess.Popen[bytes]

    def restart(self) -> None:
        """Stop the engine as its machine's services do, and start it again."""
        self.daemon.terminate()
        self.daemon.wait(60)
        self.daemon = start_engine(self.folder, self.folder / "data")

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/s"


@pytest.fixture
def small_engine(tmp_path_factory) -> Iterator[SmallEngine]:
    require_programs()
    folder = tmp_path_factory.mktemp("small")
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", ROOM, "small", data], check=True)
    engine = SmallEngine(folder, start_engine(folder, data))
    try:
        client = docker.DockerClient(base_url=engine.host, version="1.41", timeout=120)
        import_base(client)
        client.close()
        yield engine
    finally:
        engine.daemon.terminate()
        engine.daemon.wait(60)
        subprocess.run(["umount", "--lazy", data], check=True)


def test_a_container_that_somebody_removed_is_lost(container, docker_engine):
    launched, folder = container.start("import time; print('up', flush=True); time.sleep(4328)")
    container.await_up(folder)

    for found in docker_engine.client.containers.list(filters={"name": PREFIX}):
        found.remove(force=True)

    assert container.end(launched).reason == "lost"


def test_an_engine_that_restarts_ends_its_jobs_and_the_next_ones_run(container, small_engine):
    container.launcher = ContainerLauncher(BASE, host=small_engine.host)
    code = "import time; print('up', flush=True); time.sleep(4329)  # job-of-an-engine-that-restarts"
    launched, folder = container.start(code)
    container.await_up(folder)

    small_engine.restart()

    assert container.end(launched).reason == "lost"
    assert marked("job-of-an-engine-that-restarts") == []
    outcome, log = container.run("print('again')")
    assert (outcome.reason, outcome.exit_code, log) == ("exited", 0, "again\n")


def test_a_full_store_fails_the_build_in_words(small_engine, tmp_path):
    sources = Sources(ca_bundle=BUNDLE, network="host", cache="labfork-test-uv")
    builder = Repo2DockerBuilder(tmp_path / "known", BASE, host=small_engine.host, sources=sources)
    key = builder.key({})

    with pytest.raises(BuildFailed, match=r"store of environments is full.*make room"):
        builder.build(key, {}, tmp_path / "log")
    assert not builder.is_built(key)
