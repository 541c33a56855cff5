"""A real JupyterHub with its proxy, and the workspace's web service behind them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import Request
from pydantic import SecretStr

from workspace_api.app import create_app
from workspace_api.http import csrf_token
from workspace_api.settings import HubSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

CHECKOUT = Path(__file__).resolve().parents[3]
PROXY = CHECKOUT / "node_modules" / ".bin" / "configurable-http-proxy"
HUB_SECRET = "what the hub proves itself with"
WEB_TOKEN = "0123456789abcdef0123456789abcdef"
CONFIGURATION = """
from auth.local_authenticator import LocalAuthenticator
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.hub_routespec = "/hub/"
c.JupyterHub.default_url = "/"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.log_level = "WARN"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_api}"
c.ConfigurableHTTPProxy.auth_token = "0123456789abcdef"
c.Proxy.extra_routes = {{"/": "http://127.0.0.1:{web}"}}
c.JupyterHub.authenticator_class = LocalAuthenticator
c.LocalAuthenticator.workspace_url = "http://127.0.0.1:{web}"
c.LocalAuthenticator.workspace_token = "{hub_secret}"
c.Authenticator.allow_all = True
c.Authenticator.auth_refresh_age = 1
c.JupyterHub.services = [
    {{
        "name": "web",
        "api_token": "{web_token}",
        "oauth_client_id": "service-web",
        "oauth_redirect_uri": "http://127.0.0.1:{public}/oauth_callback",
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": ["access:services!service=web", "identify"],
    }},
]
c.JupyterHub.load_roles = [{{"name": "user", "scopes": ["self", "access:services!service=web"]}}]
"""


@dataclass
class SignInWorld:
    """Where everything listens, the services behind it, and a switch for the web service."""

    url: str
    hub_api: str
    workspace: Workspace
    web: WebService

    def browser(self) -> httpx.Client:
        """Return a browser of its own: cookies kept, redirects followed."""
        return httpx.Client(base_url=self.url, follow_redirects=True, timeout=20, trust_env=False)


class WebService:
    """The web application in a real uvicorn, which can be stopped and started again."""

    def __init__(self, workspace: Workspace, port: int) -> None:
        self._workspace = workspace
        self._port = port
        self.start()

    def start(self) -> None:
        """Listen, with a route more that shows what a page's forms carry, and return when it does."""
        application = create_app(self._workspace)

        @application.get("/csrf")
        def csrf(request: Request) -> str:
            return csrf_token(request)

        self._server = uvicorn.Server(
            uvicorn.Config(
                application, host="127.0.0.1", port=self._port, log_level="warning", loop="asyncio"
            )
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started, "the web service")

    def stop(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        self._thread.join(20)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nothing listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll `condition` for at most 40 seconds."""
    deadline = time.monotonic() + 40
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come up")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, settled_home: Path, make_settings: Callable[..., Settings]
) -> Iterator[SignInWorld]:
    """JupyterHub, its proxy and the web service, with ada (administrator), ben and eve."""
    home = shutil.copytree(settled_home, tmp_path_factory.mktemp("hub") / "home")
    public, hub, proxy_api, web = free_ports(4)
    settings = make_settings(
        home,
        public_url=f"http://127.0.0.1:{public}",
        hub=HubSettings(
            api_url=f"http://127.0.0.1:{hub}/hub/api",
            token=SecretStr(WEB_TOKEN),
            authenticator_token=SecretStr(HUB_SECRET),
        ),
    )
    workspace = open_workspace(settings)
    service = WebService(workspace, web)
    configuration = home / "hub.py"
    configuration.write_text(
        CONFIGURATION.format(
            public=public,
            hub=hub,
            proxy_api=proxy_api,
            web=web,
            proxy=PROXY,
            hub_secret=HUB_SECRET,
            web_token=WEB_TOKEN,
        )
    )
    with (home / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(configuration)],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: answers(f"{settings.public_url}/hub/login", process, home), "JupyterHub")
        yield SignInWorld(settings.public_url, settings.hub.api_url, workspace, service)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        end_proxy(home / "jupyterhub-proxy.pid")
        service.stop()
        workspace.close()


def end_proxy(pid_file: Path) -> None:
    """End the proxy that a hub which failed to start has left behind."""
    if pid_file.exists():
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def answers(url: str, process: subprocess.Popen[bytes], home: Path) -> bool:
    """Return whether `url` answers with a page; fails with the hub's log when the hub has ended."""
    if process.poll() is not None:
        raise AssertionError((home / "hub.log").read_text()[-3000:])
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
