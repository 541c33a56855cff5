"""An engine that is killed, and one whose store is full: said in words, and nothing runs on or twice."""

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
from tests.conftest import wait_for
from tests.containers.conftest import ContainerRunner
from tests.engine import BASE, BUNDLE, import_base, require_programs, start_engine
from tests.hub.test_launchers import marked
from workspace_api.health import engine_trouble

pytestmark = pytest.mark.timeout(600)
ROOM = "size=1200m"  # enough for the base image, and not for an environment
MARK = "outlives-its-engine-in-the-tests"


@dataclass
class SmallEngine:
    """An engine of one test, whose store is a small memory disk."""

    folder: Path
    daemon: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/s"

    def start(self) -> None:
        self.daemon = start_engine(self.folder, self.folder / "data")


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
        for process in marked(str(folder / "exec")):  # helpers outlive an engine that was killed
            process.kill()
        for namespace in folder.glob("exec/netns/*"):
            subprocess.run(["umount", namespace], check=True)
        subprocess.run(["umount", "--lazy", data], check=True)


def test_a_job_whose_engine_is_killed_is_ended_and_lost(small_engine, tmp_path):
    launched, runner = start_job(small_engine, tmp_path)
    assert engine_trouble(small_engine.host) is None

    small_engine.daemon.kill()
    small_engine.daemon.wait()

    assert "does not answer" in engine_trouble(small_engine.host)
    wait_for(lambda: marked(MARK) == [], what="the end of the job")
    assert runner.end(launched).reason == "lost"


def test_a_job_whose_engine_is_restarted_is_lost_and_leaves_no_container(small_engine, tmp_path):
    launched, runner = start_job(small_engine, tmp_path)

    small_engine.daemon.terminate()
    small_engine.daemon.wait()
    small_engine.start()

    outcome = runner.end(launched)
    assert (outcome.reason, outcome.exit_code) == ("lost", None)
    client = docker.DockerClient(base_url=small_engine.host, version="1.41")
    wait_for(lambda: client.containers.list(all=True, filters={"name": PREFIX}) == [], what="its removal")
    client.close()


def start_job(engine: SmallEngine, folder: Path):
    """Start a job that goes on for long; return it when it is under way."""
    runner = ContainerRunner(ContainerLauncher(BASE, host=engine.host), folder)
    launched, control = runner.start(f"import time; print('up', flush=True); time.sleep(4327)  # {MARK}")
    wait_for(lambda: "up" in (control / "log").read_text(), what="the job")
    return launched, runner


def test_a_container_that_somebody_removed_is_lost(container, docker_engine):
    launched, folder = container.start("import time; print('up', flush=True); time.sleep(4328)")
    wait_for(lambda: "up" in (folder / "log").read_text(), what="the job")

    for found in docker_engine.client.containers.list(filters={"name": PREFIX}):
        found.remove(force=True)

    assert container.end(launched).reason == "lost"


def test_a_full_store_fails_the_build_in_words(small_engine, tmp_path):
    sources = Sources(ca_bundle=BUNDLE, network="host", cache="labfork-test-uv")
    builder = Repo2DockerBuilder(tmp_path / "known", BASE, host=small_engine.host, sources=sources)
    key = builder.key({})

    with pytest.raises(BuildFailed, match=r"store of environments is full.*make room"):
        builder.build(key, {}, tmp_path / "log")
    assert not builder.is_built(key)
