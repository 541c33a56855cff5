"""What a job reaches by the network that is set for it: its ways out, its variables, and both in words.

`none` is a network of the job's own, from which it reaches what is forwarded. `mirror` is that with one way
more, to package indexes. `open` is the machine's network, or that of the engine.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from hub.jobs import Forward
from hub.mirror.rules import PORTS, Allowed, Place, read_place, read_url
from hub.mirror.server import socket_of
from workspace_api.alphagenome.settings import SOCKET_FILE, public_folder
from workspace_api.settings import Network, Settings

INDEX = "https://pypi.org/simple"
FILES = {"pypi.org": Place("files.pythonhosted.org", 443)}  # PyPI keeps its files at another host
PROXY_PORTS = range(3128, 3131)  # 3128 is what proxies usually have
HERE = "127.0.0.1,localhost,::1"


def launcher_network(network: Network) -> Literal["none", "open"]:
    """Return what the launcher makes of it: with `mirror` as with `none` nothing but forwards leads out."""
    return "open" if network == "open" else "none"


def has_mirror(settings: Settings) -> bool:
    """Whether sessions or runs of this workspace reach package indexes by its own proxy."""
    chosen = (settings.sessions.network, settings.runs.network)
    return "mirror" in chosen and settings.has_own_network("mirror")


def allowed_places(settings: Settings) -> Allowed:
    """Return the places that the proxy lets jobs reach: the indexes in force, and further hosts."""
    urls = _indexes(settings)
    named = {read_url(url)[0] for url in urls} | {_named(host) for host in settings.environments.mirror_hosts}
    files = {FILES[place.host] for place in named if place.host in FILES}
    if settings.environments.index_url:
        return Allowed(frozenset(named | files))
    unnamed = {read_url(INDEX)[0], FILES["pypi.org"]} - named
    return Allowed(frozenset(named), frozenset(unnamed))


def gateway_forward(settings: Settings, network: Network) -> tuple[Forward, ...]:
    """Return the way to the AlphaGenome gateway, for a job that has a network of its own."""
    folder = public_folder(settings.home)
    if not settings.has_own_network(network) or not folder.is_dir():
        return ()
    return (Forward(settings.alphagenome.port, folder / SOCKET_FILE),)


def mirror_forward(settings: Settings, network: Network) -> tuple[Forward, ...]:
    """Return the way to package indexes, for a job that has one."""
    if network != "mirror" or not settings.has_own_network(network):
        return ()
    return (Forward(_proxy_port(settings), socket_of(settings.home)),)


def mirror_variables(settings: Settings, network: Network) -> dict[str, str]:
    """Return the variables by which a job's programs find package indexes: none unless it has that way.

    Neither holds a user name or a password. What is on the job's own loopback needs no proxy: this workspace,
    and the gateway, of which gRPC's client asks `no_proxy` alone.
    """
    if not mirror_forward(settings, network):
        return {}
    proxy = f"http://127.0.0.1:{_proxy_port(settings)}"
    named = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": HERE}
    index, extra = _bare(settings.environments.index_url), " ".join(map(_bare, _extra(settings)))
    indexes = {
        **dict.fromkeys(("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), index),
        **dict.fromkeys(("UV_INDEX", "PIP_EXTRA_INDEX_URL"), extra),
    }
    return {
        **named,
        **{name.lower(): value for name, value in named.items()},
        **{name: value for name, value in indexes.items() if value},
    }


def words_for(settings: Settings, network: Network, always: str) -> str:
    """Return for people what a job reaches, as the end of “It reaches …”; empty where nothing holds it.

    `always` names what a job of its kind reaches in any case.
    """
    if not settings.has_own_network("none"):
        return ""
    if network == "none":
        return f"{always}, and nothing else."
    if network == "mirror":
        allowed = allowed_places(settings)
        hosts = sorted({place.host for place in allowed.named | allowed.public})
        return f"{always}, packages from {', '.join(hosts)}, and nothing else."
    if settings.containers.engine:
        return f"{always}, and whatever the containers’ network reaches, but no metadata address of a cloud."
    return "whatever this machine reaches, other sessions’ ports and metadata addresses of a cloud among it."


def _indexes(settings: Settings) -> list[str]:
    """Return the indexes that were set and are asked over HTTP."""
    urls = [settings.environments.index_url, *_extra(settings)]
    return [url for url in urls if urlsplit(url).scheme in PORTS]


def _extra(settings: Settings) -> list[str]:
    return settings.containers.extra_index_urls.split()


def _named(host: str) -> Place:
    """Return the place that one of `environments.mirror_hosts` means: port 443 unless it says another."""
    return read_url(host.rstrip("/"))[0] if "://" in host else read_place(host, 443)


def _bare(url: str) -> str:
    """Return an address without user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _proxy_port(settings: Settings) -> int:
    """Return the port of the proxy in a job's own network, which none of the other forwards has."""
    taken = (settings.port, settings.alphagenome.port)
    return next(port for port in PROXY_PORTS if port not in taken)
