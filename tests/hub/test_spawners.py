"""What a spawner does with sessions of a hub that was killed; whole sessions are in tests/workspace."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import psutil
import pytest

from hub.launchers import SandboxLauncher
from hub.spawners import WHOSE, SandboxSpawner
from tests.conftest import wait_for
from tests.hub.conftest import Runner


@pytest.fixture
def session(tmp_path):
    """Starts something in the name of a person's server, as a hub does; the value is its control folder."""
    runner, started = Runner(SandboxLauncher(), tmp_path), []

    def start(whose: str):
        launched, folder = runner.start(f"import time; print('up', flush=True); time.sleep(4329)  # {whose}")
        started.append((launched, folder))
        (folder / WHOSE).write_text(whose)
        log = folder / "log"
        wait_for(lambda: log.exists() and "up" in log.read_text(), what="the session")
        return folder

    yield start
    for launched, folder in started:
        if folder.exists():
            launched.cancel()


def spawner(folder) -> SandboxSpawner:
    """Return the spawner of ada's server `l-x` as a new hub has it, without any state."""
    made = SandboxSpawner(sessions_folder=str(folder), make_launcher=SandboxLauncher)
    made.user, made.orm_spawner = SimpleNamespace(name="ada"), SimpleNamespace(name="l-x", server=None)
    return made


def runs(whose: str) -> bool:
    return any(f"# {whose}" in " ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))


def test_a_session_whose_hub_was_killed_before_it_noted_where_it_runs_is_ended(session):
    folder, _ = session("ada:l-x"), session("ben:l-x")
    assert runs("ada:l-x")

    assert asyncio.run(spawner(folder.parent).poll()) == 0
    wait_for(lambda: not runs("ada:l-x"), what="the end of what nobody can reach")
    assert not (folder / WHOSE).exists()
    assert runs("ben:l-x")


def test_a_session_that_an_earlier_hub_noted_is_found_again(session):
    folder = session("ada:l-x")
    found = spawner(folder.parent)
    found.load_state({"folder": str(folder)})

    assert asyncio.run(found.poll()) is None
    assert found.get_state()["folder"] == str(folder)
    assert runs("ada:l-x")
