"""How long a person waits for a session: ours, and with the simplest spawner of JupyterHub."""

from __future__ import annotations

import datetime as dt
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.in_force import load
from deploy.layout import NODE_MODULES
from tests.bench.table import Row
from tests.conftest import ADMIN_PASSWORD, RunningWorkspace, free_port, wait_for
from workspace_api.database import now
from workspace_api.workspace import open_workspace

PROJECT = "genomics/alphagenome"
LIMIT_SECONDS = 0.8
PLAIN_HUB = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Spawner.cmd = ["{server}", "--allow-root"]
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
scopes = ["admin:users", "admin:servers"]
c.JupyterHub.load_roles = [{{"name": "bench", "services": ["bench"], "scopes": scopes}}]
"""


def click_to_ready(workspace: RunningWorkspace, folder: Path, *, times: int = 5) -> Row:
    """Open the curated project again and again, and a server of a plain JupyterHub in turn."""
    ours, peers = [], []
    with _caller(workspace) as client, _plain_hub(folder, _environment(workspace, client)) as hub:
        for _ in range(times + 1):
            ours.append(_seconds_to_open(client))
            peers.append(_seconds_of_plain(hub))
    mine, peer = statistics.median(ours[1:]), statistics.median(peers[1:])
    return Row(
        "click to ready (sandbox)", mine, "s", f"under {LIMIT_SECONDS} s", mine < LIMIT_SECONDS, peer,
        "SimpleLocalProcessSpawner",
    )  # fmt: skip


@contextmanager
def _caller(workspace: RunningWorkspace) -> Iterator[httpx.Client]:
    """Give a client that acts as somebody with an account."""
    made = workspace.labfork("user", "add", "bench", "--password", ADMIN_PASSWORD)
    if made.returncode:
        raise RuntimeError(made.stderr)
    services = open_workspace(load(workspace.home).settings())
    ends = now() + dt.timedelta(hours=1)
    token = services.tokens.create("bench", "bench", frozenset({"api"}), expires_at=ends).secret
    services.close()
    with workspace.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def _environment(workspace: RunningWorkspace, client: httpx.Client) -> Path:
    """Return the project's environment, once it and the fork server are there: both belong to the start."""
    session = _open(client)
    _stop(client, session)
    warm = open_workspace(load(workspace.home).settings()).warm
    wait_for(lambda: (warm.expect(), warm.loaded())[1], seconds=300, what="the fork server")
    found = client.get(f"/api/v1/projects/{PROJECT}/worksheets").raise_for_status().json()
    return workspace.home / "environments" / found["items"][0]["environment_key"]


def _open(client: httpx.Client) -> dict:
    session = client.post("/api/v1/sessions", json={"project": PROJECT}).raise_for_status().json()
    while session["state"] != "running":
        if session["state"] in ("failed", "stopped"):
            raise RuntimeError(f"the session {session['state']}: {session['error']}")
        time.sleep(0.02)
        session = client.get(f"/api/v1/sessions/{session['id']}").raise_for_status().json()
    return session


def _stop(client: httpx.Client, session: dict) -> None:
    client.delete(f"/api/v1/sessions/{session['id']}").raise_for_status()
    time.sleep(1)


def _seconds_to_open(client: httpx.Client) -> float:
    started = time.monotonic()
    session = _open(client)
    seconds = time.monotonic() - started
    _stop(client, session)
    return seconds


@contextmanager
def _plain_hub(folder: Path, environment: Path) -> Iterator[httpx.Client]:
    """Run a JupyterHub as it comes, whose servers are those of `environment`; give a client of its API."""
    home, token, port = folder / "plain-hub", secrets.token_hex(16), free_port()
    home.mkdir()
    config = home / "config.py"
    config.write_text(
        PLAIN_HUB.format(
            port=port,
            hub=free_port(),
            api=free_port(),
            proxy=NODE_MODULES / ".bin" / "configurable-http-proxy",
            server=environment / "bin" / "jupyterhub-singleuser",
            token=token,
        )
    )
    log = (home / "log").open("wb")
    command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
    headers = {"Authorization": f"token {token}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/hub/api", headers=headers, timeout=60) as client:
            wait_for(lambda: client.get("/").status_code == 200, what="the plain JupyterHub")
            client.post("/users/bench").raise_for_status()
            yield client
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _seconds_of_plain(hub: httpx.Client) -> float:
    started = time.monotonic()
    hub.post("/users/bench/server").raise_for_status()
    while not (server := hub.get("/users/bench").json()["servers"].get("")) or not server["ready"]:
        time.sleep(0.02)
    seconds = time.monotonic() - started
    hub.delete("/users/bench/server")
    wait_for(lambda: not hub.get("/users/bench").json()["servers"], what="the end of the plain server")
    return seconds
