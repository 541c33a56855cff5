"""JupyterHub's configuration: the parent of every process, and the place where people sign in."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from jupyterhub.services import service as hub_services
from sqlalchemy import Engine, event
from traitlets import Integer

from auth.local_authenticator import LocalAuthenticator
from deploy import in_force
from deploy.announcement import announce_when_ready
from deploy.layout import NODE_MODULES, machine_environment
from deploy.routes import extra_routes, hub_route, proxy_options
from deploy.services import commands, take_over, tied_command
from hub.door import socket_of
from hub.environments.builder import ImageBuilder
from hub.mirror.server import socket_of as mirror_socket_of
from hub.spawners import DockerProjectSpawner, SandboxSpawner
from hub.usage import servers_folder
from hub.warm.asking import warm_folder
from hub.warm.waiting import keeping_command, waiting_command
from landing.assets import Assets
from landing.frame import sign_in_pages
from workspace_api.egress import allowed_places, has_mirror
from workspace_api.means import builder_of, launcher_of, records_of

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by JupyterHub


class PromptServiceSpawner(hub_services._ServiceSpawner):  # type: ignore[misc]
    """Starts a service again two seconds after it died, and does not wait long for one that will not stop.

    The first time it takes over what was started while JupyterHub loaded. Services are stopped only when
    JupyterHub stops, one after the other: the first of them asks all to end, so that they do so side by side.
    """

    poll_interval = Integer(2)
    interrupt_timeout = Integer(8)
    term_timeout = Integer(2)
    started: ClassVar[list[PromptServiceSpawner]] = []
    asked = False

    def start(self) -> None:
        """Start the process, or take it over."""
        ahead = take_over(self._service_name)
        if ahead is None:
            super().start()
        else:
            self.proc, self.pid = ahead, ahead.pid
        self.started.append(self)

    async def stop(self, now: bool = False) -> None:
        """Stop the process, after all of them were asked to end."""
        for each in self.started:
            each.stop_polling()
            if await each.poll() is None:
                await each._signal(signal.SIGINT)
        await super().stop(now)

    async def _signal(self, sig: int) -> bool:
        """Send a signal; one is asked to end once, as a second time would mean at once."""
        if sig == signal.SIGINT and self.asked:
            return True
        self.asked = self.asked or sig == signal.SIGINT
        return bool(await super()._signal(sig))


hub_services._ServiceSpawner = PromptServiceSpawner

ACTIVITY_SECONDS = 30  # how old what is known of a session's use may be
force = in_force.load(Path(os.environ["LABFORK_HOME"]))
ports, secrets, home = force.ports, force.secrets, force.home
address = force.configuration.address
settings = force.settings()

c.JupyterHub.bind_url = f"http://{force.configuration.host}:{ports.public}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports.hub}"
c.JupyterHub.hub_routespec = hub_route(force)
c.JupyterHub.default_url = "/"
c.JupyterHub.public_url = address + "/"
if sessions_host := urlsplit(settings.sessions_url).hostname:
    c.JupyterHub.subdomain_host = address  # so that each route names its host
    c.JupyterHub.subdomain_hook = lambda _name, domain, kind: sessions_host if kind == "user" else domain
c.JupyterHub.db_url = f"sqlite:///{home / 'config' / 'jupyterhub.sqlite'}"
c.JupyterHub.upgrade_db = True
c.JupyterHub.trust_user_provided_tokens = True  # ours are 256 random bits: a slow hash adds nothing


@event.listens_for(Engine, "connect")
def _write_ahead(connection: Any, _record: Any) -> None:
    """Have JupyterHub wait less for the disk: it stands still in a dozen commits for each start."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


c.JupyterHub.cookie_secret = bytes.fromhex(secrets.hub_cookie_secret)
c.JupyterHub.pid_file = str(home / "run" / "jupyterhub.pid")
# It warns of what is meant: what the hub does not serve, the pages do.
logging.getLogger("JupyterHub").addFilter(lambda record: "custom route for Hub" not in record.getMessage())
c.JupyterHub.logging_config = {
    "handlers": {
        "console": {"level": "CRITICAL"},
        "file": {
            "level": "INFO",
            "class": "logging.handlers.RotatingFileHandler",
            "filename": str(home / "logs" / "hub.log"),
            "maxBytes": 10_000_000,
            "backupCount": 3,
            "formatter": "console",
        },
    },
    "loggers": {"JupyterHub": {"handlers": ["console", "file"]}},
}
c.JupyterHub.template_paths, c.JupyterHub.template_vars = sign_in_pages(settings, Assets(NODE_MODULES))

chp = str(NODE_MODULES / ".bin" / "configurable-http-proxy")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy_api}"
c.ConfigurableHTTPProxy.auth_token = secrets.proxy_token
c.ConfigurableHTTPProxy.pid_file = str(home / "run" / "proxy.pid")
c.ConfigurableHTTPProxy.command = tied_command("proxy", home, chp, "--log-level=warn", *proxy_options(force))
c.Proxy.extra_routes = extra_routes(force)

c.JupyterHub.authenticator_class = LocalAuthenticator
c.LocalAuthenticator.workspace_url = f"http://127.0.0.1:{ports.web}"
c.LocalAuthenticator.workspace_token = secrets.authenticator_token
c.Authenticator.allow_all = True  # who has an account may sign in; the accounts are the workspace's


c.JupyterHub.allow_named_servers = True
c.JupyterHub.spawner_class = DockerProjectSpawner if settings.containers.engine else SandboxSpawner
c.ProjectSpawner.workspace_url = f"http://127.0.0.1:{ports.web}"
c.ProjectSpawner.workspace_token = secrets.authenticator_token
c.ProjectSpawner.sessions_folder = str(servers_folder(home))
c.ProjectSpawner.make_launcher = lambda: launcher_of(settings)
c.SandboxSpawner.sandboxed = force.sandboxed
c.Spawner.hub_connect_url = f"http://127.0.0.1:{ports.public}"
c.Spawner.start_timeout = 3600  # an environment may have to be built first
c.Spawner.http_timeout = 60
c.Spawner.poll_interval = 5
c.Spawner.environment = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(ACTIVITY_SECONDS)}
c.JupyterHub.last_activity_interval = ACTIVITY_SECONDS
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}  # who asks for a server follows it on its page


def process(name: str, command: list[str], **more: Any) -> dict[str, Any]:
    """Describe one of our processes; it has no `url`, for which JupyterHub would wait before it answers."""
    return {"name": name, "command": command, "environment": machine_environment(), **more}


def tethered(name: str, module: str, *arguments: str) -> dict[str, Any]:
    """Describe a process that is a module of its own, with what it writes in its log; others go first."""
    return {
        "name": name,
        "command": tied_command(name, home, "nice", sys.executable, "-m", module, *arguments),
    }


def mirror() -> dict[str, Any]:
    """Describe the proxy by which jobs with the network `mirror` reach package indexes."""
    allowed = allowed_places(settings)
    named = [f"--named={place}" for place in sorted(allowed.named)]
    public = [f"--public={place}" for place in sorted(allowed.public)]
    return tethered("mirror", "hub.mirror.server", str(mirror_socket_of(home)), *named, *public)


def fork_server() -> dict[str, Any]:
    """Describe the fork server; not a nice one, as what it forks could not become less nice again."""
    folder, builder = warm_folder(home), builder_of(settings)
    base = builder.key({})
    if isinstance(builder, ImageBuilder):
        command = keeping_command(folder, records_of(settings), settings.containers.host, builder.image(base))
    else:
        command = waiting_command(folder, home / "environments" / base)
    return {"name": "warm", "command": tied_command("warm", home, *command)}


ours = commands(force)
c.JupyterHub.services = [
    process(
        "web",
        ours.pop("web"),
        api_token=secrets.web_token,
        oauth_client_id="service-web",
        oauth_redirect_uri=f"{address}/oauth_callback",
        oauth_no_confirm=True,
        oauth_client_allowed_scopes=["access:services!service=web", "identify"],
    ),
    *(process(name, command) for name, command in ours.items()),
    tethered("door", "hub.door", str(socket_of(home)), force.public_target),
    *([mirror()] if has_mirror(settings) else []),
    *([fork_server()] if force.sandboxed or settings.containers.engine else []),
]
CULL_EVERY = 15  # seconds: people are told to the minute when a session ends
IDLE = force.configuration.sessions.idle_minutes
if IDLE:
    often = f"--cull-every={CULL_EVERY}"
    culler = tethered("idle-culler", "jupyterhub_idle_culler", f"--timeout={IDLE * 60}", often)
    c.JupyterHub.services.append(culler)
announce_when_ready(address, f"http://127.0.0.1:{ports.web}/ready")
c.JupyterHub.load_roles = [
    {"name": "user", "scopes": ["self", "access:services!service=web"]},
    {"name": "web", "scopes": ["read:metrics", "read:hub", "admin:users", "servers"], "services": ["web"]},
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"] if IDLE else [],
    },
]
gc.freeze()  # what is loaded stays, and need not be looked through for garbage while people wait
