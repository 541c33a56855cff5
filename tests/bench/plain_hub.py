"""A JupyterHub as it comes, with a spawner that is everybody's: what ours is measured against."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import httpx

from deploy.layout import NODE_MODULES
from tests.conftest import free_port, wait_for
from tests.engine import Engine

LOOK_SECONDS = 0.05
LOOK_AT_ALL_SECONDS = 0.2
CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://0.0.0.0:{hub}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.trust_user_provided_tokens = True
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
scopes = ["admin:users", "admin:servers"]
c.JupyterHub.load_roles = [{{"name": "bench", "services": ["bench"], "scopes": scopes}}]
{spawner}
"""
SIMPLE = """
c.JupyterHub.hub_connect_ip = "127.0.0.1"
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = ["{server}", "--allow-root"]
"""
DOCKER = """
c.JupyterHub.hub_connect_ip = "{gateway}"
c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.client_kwargs = {{"base_url": "{host}", "version": "1.41"}}
c.DockerSpawner.image = "{image}"
c.DockerSpawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
"""


def simple(environment: Path) -> str:
    """Return the settings of SimpleLocalProcessSpawner with the server of `environment`."""
    return SIMPLE.format(server=environment / "bin" / "jupyterhub-singleuser")


def docker(engine: Engine, image: str, python: str) -> str:
    """Return the settings of DockerSpawner with the same image as ours."""
    [network] = engine.client.networks.list(names=["bridge"])
    [addresses] = network.attrs["IPAM"]["Config"]
    gateway = addresses.get("Gateway") or next(ip_network(addresses["Subnet"]).hosts())  # it takes the first
    return DOCKER.format(gateway=gateway, host=engine.host, image=image, python=python)


@dataclass(frozen=True)
class PlainHub:
    """One that runs, and its API."""

    client: httpx.Client

    def add(self, people: Sequence[str]) -> None:
        """Make accounts."""
        for name in people:
            self.client.post(f"/users/{name}").raise_for_status()

    def start(self, name: str) -> None:
        """Ask for a person's server."""
        self.client.post(f"/users/{name}/server").raise_for_status()

    def is_ready(self, name: str) -> bool:
        """Whether a person's server answers; RuntimeError when it could not be started."""
        server = self.client.get(f"/users/{name}").json()["servers"].get("")
        if server is None:
            raise RuntimeError(f"the plain server of {name} did not start")
        return bool(server["ready"])

    def stop(self, name: str) -> None:
        """End a person's server, and wait until it is gone."""
        self.client.delete(f"/users/{name}/server")
        wait_for(
            lambda: not self.client.get(f"/users/{name}").json()["servers"],
            what="the end of the plain server",
        )

    def seconds_to_ready(self, name: str) -> float:
        """Start a person's server, return how long it took until it answers, and end it."""
        started = time.monotonic()
        self.start(name)
        while not self.is_ready(name):
            time.sleep(LOOK_SECONDS)
        seconds = time.monotonic() - started
        self.stop(name)
        return seconds


@contextmanager
def plain_hub(home: Path, spawner: str) -> Iterator[PlainHub]:
    """Run a JupyterHub in `home` with these settings of its spawner while the block lasts."""
    home.mkdir()
    token = secrets.token_hex(16)
    config = home / "config.py"
    proxy = NODE_MODULES / ".bin" / "configurable-http-proxy"
    ports = {"port": free_port(), "hub": free_port(), "api": free_port()}
    config.write_text(CONFIG.format(proxy=proxy, token=token, spawner=spawner, **ports))
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
    headers = {"Authorization": f"token {token}"}
    try:
        # Past the proxy, which now and then cuts a connection that many questions are asked over.
        address = f"http://127.0.0.1:{ports['hub']}/hub/api"
        with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
            wait_for(lambda: client.get("/").status_code == 200, what="the plain JupyterHub")
            yield PlainHub(client)
    finally:
        process.terminate()
        process.wait(60)
