"""What a spawner does with sessions of a hub that was killed; whole sessions are in tests/workspace."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import psutil
import pytest
from jupyterhub.spawner import SpawnException

from hub import spawners
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


AWAY = (503, {"detail": "The forge does not answer."})


@pytest.fixture
def workspace() -> Iterator[SimpleNamespace]:
    """Something that answers a spawner as `answers` say, the last one again and again; what was `asked`."""
    told = SimpleNamespace(answers=[], asked=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.asked.append((self.path.rpartition("/")[2], body))
            status, answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        told.address = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()


def asking(workspace, tmp_path) -> SandboxSpawner:
    """The spawner of a session that `workspace` prepares."""
    made = spawner(tmp_path)
    made.workspace_url, made.workspace_token = workspace.address, "hub"
    return made


def test_a_part_of_the_workspace_that_is_away_for_a_moment_is_waited_for(workspace, tmp_path):
    workspace.answers = [AWAY, AWAY, (409, {"detail": "The environment could not be built."})]

    with pytest.raises(SpawnException, match="could not be built"):
        asyncio.run(asking(workspace, tmp_path).start())

    assert [what for what, _ in workspace.asked] == ["prepare"] * 3


def test_one_that_stays_away_ends_the_start_and_the_workspace_is_told(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(spawners.ProjectSpawner._ask, "__kwdefaults__", {"patience": 0.0})
    workspace.answers = [AWAY, (200, {})]

    with pytest.raises(SpawnException, match=r"The forge does not answer\. Try again"):
        asyncio.run(asking(workspace, tmp_path).start())

    (_, asked), (what, told) = workspace.asked
    assert (asked["user"], what) == ("ada", "ended")
    assert told["words"] == "The forge does not answer. Try again."


def test_a_server_that_tells_the_hub_that_it_is_used_is_not_waited_for_any_longer(tmp_path):
    starting = spawner(tmp_path)
    starting.orm_spawner.last_activity = None

    async def tell() -> None:
        starting.orm_spawner.last_activity = "now"

    async def both() -> None:
        await asyncio.gather(starting._listen(3600), tell())

    asyncio.run(both())
