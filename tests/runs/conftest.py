"""A workspace with a real forge, a real environment and real sandboxes, and small projects to run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gitlab
import pytest
from pydantic import SecretStr

from auth.identity import Identity, Level
from hub.launchers import SandboxLauncher
from tests.conftest import CHECKOUT, free_port, wait_for
from tests.forge.conftest import ROOT_TOKEN, start_forge
from tests.publishing import commit, notebook
from workspace_api.database import migrate
from workspace_api.runs.views import RunView
from workspace_api.runs.worker import Worker
from workspace_api.settings import ForgeSettings, RunSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

ADA = Identity(user="ada", level=Level.DEVELOPER)
BEN = Identity(user="ben", level=Level.AUTHOR)
ADMIN = Identity(user="root-ada", level=Level.DEVELOPER, admin=True)
VISITOR = Identity(visitor="a browser")
OTHER_VISITOR = Identity(visitor="another browser")
WORKER = """
import signal, sys, threading
from hub.launchers import SandboxLauncher
from workspace_api.runs.worker import Worker
from workspace_api.settings import Settings
from workspace_api.workspace import open_workspace
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
workspace = open_workspace(Settings.model_validate_json(sys.stdin.read()))
Worker(workspace, SandboxLauncher(), f"worker {sys.argv[1]}").run(stop)
"""


@dataclass
class Bench:
    """A workspace and its forge, with what tests do to them."""

    workspace: Workspace
    forge: gitlab.Gitlab
    settings: Settings

    def publish(self, files: dict[str, str], *, visibility: str = "public") -> str:
        """Make a project of `files` on the forge, with an empty `requirements.txt`, and return its path."""
        name = "p" + os.urandom(4).hex()
        found = self.forge.groups.list(search="tests", get_all=True)
        group = (
            found[0]
            if found
            else self.forge.groups.create({"name": "tests", "path": "tests", "visibility": "public"})
        )
        project = self.forge.projects.create(
            {"name": name, "namespace_id": group.id, "visibility": visibility}
        )
        commit(project, {"requirements.txt": "", **files})
        return f"tests/{name}"

    def project_with(self, *code: str, parameters: str = "n = 1", **more: str) -> str:
        """Make a project whose worksheet `a.ipynb` has cells of `code`; `more` holds other files' texts."""
        files = {name.replace("__", "."): text for name, text in more.items()}
        return self.publish({"a.ipynb": notebook(*code, parameters=parameters), **files})

    def request(self, path: str, identity: Identity = ADA, **values: object) -> RunView:
        """Ask for a fresh run of the worksheet `a.ipynb`."""
        requested = self.workspace.runs.request(identity, path, "a.ipynb", values=values, fresh=True)
        return requested.run

    def get(self, run: RunView, identity: Identity = ADMIN) -> RunView:
        """Return the run as it is now."""
        return self.workspace.runs.get(identity, run.id)

    def await_state(self, run: RunView, *states: str, seconds: float = 90) -> RunView:
        """Wait until a run is in one of `states`, and return it."""

        def look() -> RunView | None:
            view = self.get(run)
            if view.ended and view.state not in states:
                raise AssertionError(f"the run ended as {view.state}: {view.error}")
            return view if view.state in states else None

        return wait_for(look, seconds=seconds, what=f"the state {' or '.join(states)}")

    def await_end(self, run: RunView) -> RunView:
        """Wait until a run has ended, and return it."""
        return self.await_state(run, "succeeded", "failed", "cancelled")

    def home(self, user: str = "ada") -> Path:
        """Return somebody's home."""
        return self.workspace.layout.home(user)

    @contextmanager
    def worker(self, **changes: object) -> Iterator[None]:
        """Let a worker work in this process while the block lasts."""
        stop = threading.Event()
        worker = Worker(self.workspace, SandboxLauncher(), f"worker {os.urandom(3).hex()}")
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def worker_process(self) -> subprocess.Popen[bytes]:
        """Start a worker in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, os.urandom(3).hex()], cwd=CHECKOUT, stdin=subprocess.PIPE
        )
        assert process.stdin is not None
        dumped = self.settings.model_dump(mode="json")
        dumped["secret_key"] = self.settings.secret_key.get_secret_value()
        dumped["forge"]["token"] = self.settings.forge.token.get_secret_value()
        process.stdin.write(json.dumps(dumped).encode())
        process.stdin.close()
        return process


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A workspace whose one environment is built; tests share it, and each makes its own projects."""
    folder = tmp_path_factory.mktemp("runs")
    forge = start_forge(folder / "forge", free_port())
    settings = Settings(
        home=folder / "home",
        public_url="http://labfork.test",
        database_url=f"sqlite:///{folder / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        forge=ForgeSettings(url=forge.url, token=SecretStr(ROOT_TOKEN)),
        runs=RunSettings(lease_seconds=2, memory_gib=2, minutes=1, disk_gib=0.1, output_mib=1),
    )
    settings.home.mkdir()
    migrate(settings.database_url)
    workspace = open_workspace(settings)
    workspace.people.ensure_system_accounts()
    for name in ("ada", "ben"):
        workspace.people.add(name)
    workspace.people.add("root-ada", admin=True)
    yield Bench(workspace, forge.client(), settings)
    workspace.close()
    forge.process.terminate()
    forge.process.wait(20)


Project = Callable[..., str]
