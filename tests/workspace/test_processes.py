"""The processes of a workspace: one parent, each started again when it dies, none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil
import pytest

from deploy.in_force import load
from tests.conftest import WITHOUT_EXAMPLES, await_end, free_port, start_workspace, stop_workspace, wait_for
from tests.publishing import notebook, publish

pytestmark = [pytest.mark.workspace, pytest.mark.timeout(600)]


def process_of(workspace, name: str) -> psutil.Process | None:
    """Return the process that JupyterHub started under `name`."""
    for child in psutil.Process(workspace.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended while we looked
            command = child.cmdline()
            if name in command or f"deploy.{name}" in command:
                return child
    return None


def processes_below(home: Path) -> list[psutil.Process]:
    """Return every process that was started for the workspace in `home`."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]


@pytest.mark.parametrize("name", ["web", "worker", "gateway", "forge"])
def test_a_killed_process_is_started_again(workspace, name):
    first = process_of(workspace, name)
    first.send_signal(signal.SIGKILL)

    second = wait_for(
        lambda: (found := process_of(workspace, name)) and found.pid != first.pid and found,
        seconds=20,
        what=f"a new {name}",
    )
    assert second.is_running()
    with workspace.client() as client:
        wait_for(lambda: client.get("/ready").status_code == 200, what="readiness")


def test_a_run_ends_once_though_its_worker_is_killed(workspace):
    path = publish(workspace, "killed", {"a.ipynb": notebook("import time; time.sleep(3)")})
    request = {"project": path, "notebook": "a.ipynb"}
    with workspace.client() as client:
        run = client.post("/api/v1/runs", json=request).raise_for_status().json()
        wait_for(
            lambda: client.get(f"/api/v1/runs/{run['id']}").json()["state"] == "running",
            seconds=120,
            what="the run to be under way",
        )
        process_of(workspace, "worker").send_signal(signal.SIGKILL)
        ended = await_end(client, run["id"])

    assert (ended["state"], ended["error"]) == ("succeeded", None)
    assert ended["attempt"] == 1


def test_whatever_ends_the_parent_leaves_no_process_and_the_next_start_keeps_what_people_did(tmp_path):
    home = tmp_path / "var"
    workspace = start_workspace(home, free_port(), **WITHOUT_EXAMPLES)
    added = workspace.labfork("user", "add", "ada", "--password", "a good long password")
    assert added.returncode == 0, added.stderr
    secrets = load(home).secrets
    stop_workspace(workspace)  # as Ctrl-C does
    assert processes_below(home) == []

    again = start_workspace(home, free_port(), **WITHOUT_EXAMPLES)
    try:
        assert load(home).secrets == secrets
        refused = again.labfork("user", "add", "ada", "--password", "another password")
        assert refused.returncode == 1
        assert "ada" in refused.stderr
    finally:
        os.kill(again.process.pid, signal.SIGKILL)
        again.process.wait()

    wait_for(lambda: processes_below(home) == [], seconds=20, what="the end of every process")


def test_two_workspaces_cannot_share_a_port(workspace, tmp_path):
    other = workspace.labfork("up", LABFORK_HOME=str(tmp_path / "other"))

    assert other.returncode == 1
    assert str(workspace.port) in other.stderr
    assert "LABFORK_PORT" in other.stderr


def test_one_folder_holds_one_running_workspace(workspace):
    other = workspace.labfork("up", LABFORK_PORT=str(free_port()))

    assert other.returncode == 1
    assert "already runs" in other.stderr


def test_doctor_says_what_is_there(workspace):
    answer = workspace.labfork("doctor")

    assert answer.returncode == 0, answer.stderr
    assert "bubblewrap" in answer.stdout
    assert "runs are sandboxed" in answer.stdout


def test_secrets_are_private(workspace):
    for name in ("secrets.json", "in-force.json"):
        assert (workspace.home / "config" / name).stat().st_mode & 0o777 == 0o600
