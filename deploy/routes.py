"""Which address leads to which process: what JupyterHub tells the proxy."""

from __future__ import annotations

from urllib.parse import urlsplit

from deploy.in_force import FORGE_PREFIX, HUB_PREFIX, InForce
from workspace_api.settings import LOOPBACK


def hub_route(force: InForce) -> str:
    """Return the proxy's route to the hub: the path, after the pages' host where sessions have another."""
    return f"{force.configuration.host_name}{HUB_PREFIX}" if force.configuration.sessions_url else HUB_PREFIX


def extra_routes(force: InForce) -> dict[str, str]:
    """Return the proxy's other routes, from route to target, without those of sessions.

    Where sessions have a host of their own every route names its host. Processes of this machine, and what
    runs in sessions, reach hub and forge by 127.0.0.1; anything else is the pages', by `proxy_options`.
    """
    configuration, ports = force.configuration, force.ports
    hub, forge = f"http://127.0.0.1:{ports.hub}", f"http://127.0.0.1:{ports.forge}"
    paths = {f"{FORGE_PREFIX}/": forge} if force.embedded_forge else {}
    if not configuration.sessions_url:
        return {"/": f"http://127.0.0.1:{ports.web}", **paths}
    names = {configuration.host_name, configuration.host, LOOPBACK}
    names.discard(urlsplit(configuration.sessions_url).hostname or "")  # no page is there, by whatever name
    routes = {
        f"{name}{path}": target for name in names for path, target in {HUB_PREFIX: hub, **paths}.items()
    }
    routes.pop(hub_route(force))  # JupyterHub's own
    return routes


def proxy_options(force: InForce) -> list[str]:
    """Return the options of the proxy: where it leads what no route is for."""
    return (
        [f"--default-target=http://127.0.0.1:{force.ports.web}"] if force.configuration.sessions_url else []
    )
