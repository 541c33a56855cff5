"""Which addresses a repository may be imported from."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.forge.courier import is_local

ANY = "*"
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
PORTS = {"http": 80, "https": 443}
PROXIES = ("https_proxy", "HTTPS_PROXY")


class SourceError(ValueError):
    """An address that nothing may be imported from; the message says why."""


@dataclass(frozen=True)
class Source:
    """An address that may be imported from: `named` says that its host is in the list by its name."""

    url: str
    host: str
    port: int
    named: bool

    def pinned(self) -> str | None:
        """Look the host up, once; return `HOST:PORT:ADDRESS` for git to use, None where a proxy looks it up.

        A host that is not in the list by name must be of the internet, whatever its name leads to. Raises
        SourceError.
        """
        if self.named and any(os.environ.get(name) for name in PROXIES):
            return None
        try:
            looked_up = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except OSError:
            raise SourceError(f"There is no host {self.host}. Check the address.") from None
        found = [str(info[4][0]) for info in looked_up]
        if not self.named and any(is_local(address) for address in found):
            raise SourceError(f"{self.host} is in the local network, which nothing is imported from.")
        address = f"[{found[0]}]" if ":" in found[0] else found[0]
        return f"{self.host.strip('[]')}:{self.port}:{address}"


def checked_source(url: str, hosts: Sequence[str]) -> Source:
    """Return the source at `url` if `hosts` allow it; raises SourceError.

    `hosts` are names with an optional port, `http://` before those that are reached without encryption, or
    `*` for every host of the internet by https.
    """
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > 1000:
        raise SourceError("is no address")
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise SourceError("must begin with https://") from None
    host = (
        parts.netloc.lower().rpartition("@")[2].partition(":")[0] if "[" not in parts.netloc else parts.netloc
    )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SourceError("must be without user name, password and parameters")
    if not HOST.fullmatch(host):
        raise SourceError("has no host that can be asked")
    if not parts.path.strip("/") or any(
        step.startswith(("-", ".")) for step in parts.path.split("/") if step
    ):
        raise SourceError("must lead to a repository whose name begins with a letter or digit")
    named = _origin(parts.scheme, host, port) in {_listed(entry) for entry in hosts if entry != ANY}
    anywhere = ANY in hosts and parts.scheme == "https" and not _is_number(host)
    if not named and not anywhere:
        raise SourceError(f"is not at one of the hosts that are allowed here: {', '.join(hosts) or 'none'}")
    return Source(url, host, port, named)


def _listed(entry: str) -> str:
    scheme, _, rest = entry.lower().rpartition("://")
    host, _, port = rest.strip("/").partition(":")
    scheme = scheme or "https"
    return _origin(scheme, host, int(port) if port.isdigit() else PORTS.get(scheme, 0))


def _origin(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{host}:{port}"


def _is_number(host: str) -> bool:
    """Whether a host is an IP address, in any of the ways that the system reads one."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*\.?", host))
    return True
