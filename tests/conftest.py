"""Fixtures that start the real thing once per run: the whole workspace, and a browser."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.command", "tests.engine", "tests.environments", "tests.postgresql"]

CHECKOUT = Path(__file__).resolve().parent.parent
LONGEST_FOLDERS = ("containers", "workspace", "repo_templates", "runs", "landing", "alphagenome", "groups")
ON_ONE_ENGINE = ("containers", "workspace")  # in this order: tests of containers look at all of an engine
ON_THEIR_OWN = ("tests/workspace/test_session_queue.py",)
WITHOUT_EXAMPLES = {"LABFORK_RUNS__EXAMPLES": "false"}  # five runs that every test would wait for
ADMIN_PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition, *, seconds: float = 60, what: str = "the condition"):
    """Poll `condition` until it returns something true, and return that; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError, ConnectionError):
            if result := condition():
                return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:.0f} s")
        time.sleep(0.1)


@dataclass
class RunningWorkspace:
    """A workspace started by `labfork up` in a folder of its own."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, **more) -> httpx.Client:
        """Return a client whose addresses begin at the workspace."""
        return httpx.Client(base_url=self.url, timeout=30, **more)

    def labfork(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the `labfork` command for this workspace."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            env={**workspace_environment(self.home, self.port), **environment},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def workspace_environment(home: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of a workspace in `home`, free of the caller's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABFORK_", "ALPHAGENOME_"))}
    return {**kept, "LABFORK_HOME": str(home), "LABFORK_PORT": str(port), **more}


def start_workspace(home: Path, port: int, **environment: str) -> RunningWorkspace:
    """Start `labfork up` and wait until every part it needs answers."""
    home.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{home.name}.up.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "up"],
            env=workspace_environment(home, port, LABFORK_ADMIN_PASSWORD=ADMIN_PASSWORD, **environment),
            cwd=CHECKOUT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    workspace = RunningWorkspace(home, port, process)

    def ready() -> bool:
        if process.poll() is not None:
            text = (home.parent / f"{home.name}.up.log").read_text()
            raise RuntimeError(f"labfork up ended with {process.returncode}:\n{text[-3000:]}")
        return httpx.get(workspace.url + "/ready", timeout=10).status_code == 200

    wait_for(ready, seconds=90, what="the workspace")
    return workspace


def stop_workspace(workspace: RunningWorkspace) -> None:
    """Stop it as Ctrl-C does, and wait until it is gone."""
    if workspace.process.poll() is None:
        workspace.process.send_signal(signal.SIGINT)
        workspace.process.wait(timeout=60)


def await_end(client: httpx.Client, run_id: str, *, seconds: float = 240) -> dict:
    """Wait until a run has ended, and return it."""

    def ended() -> dict | None:
        run = client.get(f"/api/v1/runs/{run_id}").raise_for_status().json()
        return run if run["state"] in ("succeeded", "failed", "cancelled") else None

    return wait_for(ended, seconds=seconds, what=f"the end of run {run_id}")


class FolderScheduling(LoadScopeScheduling):
    """Gives each folder of tests, with the servers it shares, to one worker.

    A long module with servers of its own may go to another.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, folder = nodeid.partition("::")[0], nodeid.split("/")[1]
        if module in ON_THEIR_OWN:
            return module
        return "an engine" if folder in ON_ONE_ENGINE else folder


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Have the workers share the folders out."""
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest."""
    rank = {folder: number for number, folder in enumerate(LONGEST_FOLDERS)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(CHECKOUT / "tests").parts[0], len(rank)))


@contextlib.contextmanager
def seeded_workspace(home: Path, **environment: str) -> Iterator[RunningWorkspace]:
    """A whole workspace in `home` with the curated project, while the block lasts."""
    running = start_workspace(home, free_port(), **environment)
    try:
        with running.client() as client:
            wait_for(
                lambda: client.get("/api/v1/projects?curated=true").json()["items"],
                seconds=120,
                what="the curated project",
            )
        yield running
    finally:
        stop_workspace(running)


@pytest.fixture(scope="session")
def sandbox_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorkspace]:
    """The whole workspace with the sandbox, the default; shared by every test of the session."""
    with seeded_workspace(tmp_path_factory.mktemp("workspace") / "var", **WITHOUT_EXAMPLES) as running:
        yield running


@pytest.fixture(scope="session")
def container_workspace(
    docker_engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningWorkspace]:
    """The whole workspace with Docker and repo2docker; shared by every test of the session."""
    home = tmp_path_factory.mktemp("containers") / "var"
    with seeded_workspace(home, **WITHOUT_EXAMPLES, **docker_engine.settings) as running:
        yield running


@pytest.fixture(scope="session")
def workspace(sandbox_workspace: RunningWorkspace) -> RunningWorkspace:
    """The whole workspace, seeded, with the offline model; shared by every test of the session."""
    return sandbox_workspace


@pytest.fixture(scope="module")  # its event loop would be in the way of other modules
def browser() -> Iterator:
    """A real Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield chromium
        chromium.close()
