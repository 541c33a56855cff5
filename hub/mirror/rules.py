"""Which places a job reaches by the way to package indexes: plain decisions about plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from hub.metadata import is_metadata

PORTS = {"http": 80, "https": 443}
SETTING = "environments.mirror_hosts"
AUTHORITY = re.compile(r"(\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+))(:(?P<port>[0-9]{1,5}))?")
TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 addresses as IPv6 networks have them (RFC 6052)


class NotAllowedError(Exception):
    """A place that is not reached; the message is for whoever asked, and names the remedy."""


@dataclass(frozen=True, order=True)
class Place:
    """A host and a port: the name in small letters without a final dot, an address in its usual form."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_place(authority: str, port: int = 0) -> Place:
    """Return the place that `HOST:PORT` means, `port` where it names none; raises ValueError."""
    found = AUTHORITY.fullmatch(authority)
    host = _host(found["name"], found["six"]) if found else ""
    number = int(found["port"] or port) if found else 0
    if not host or not 0 < number < 1 << 16:
        raise ValueError(f"{authority[:100]!r} is no host with a port, such as pypi.org:443")
    return Place(host, number)


def _host(name: str | None, six: str | None) -> str:
    """Return a name, or an IPv6 address, as `Place` has it; empty for what is neither."""
    try:
        return str(ip_address(name or IPv6Address(six or "")))
    except ValueError:
        return (name or "").lower().removesuffix(".")


def read_url(url: str) -> tuple[Place, str]:
    """Return the place of an `http` or `https` address, and its path with the query; raises ValueError.

    A user name and password in it are no part of either.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ValueError(f"{url[:100]!r} does not begin with http:// or https://")
    place = read_place(parts.netloc.rpartition("@")[2], PORTS[parts.scheme])
    return place, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True)
class Allowed:
    """The places that are reached.

    Those that an administrator `named` may be in the machine's own network, or this machine; the `public`
    ones have to lead to the internet. None leads to metadata of a cloud, unless that very address was named.
    """

    named: frozenset[Place]
    public: frozenset[Place] = frozenset()

    def check(self, place: Place) -> None:
        """Raise NotAllowedError unless `place` is one of them."""
        if place not in self.named | self.public:
            raise NotAllowedError(
                f"{place} is not reached from here: the network mirror leads to package indexes alone. "
                f"An administrator can add it to {SETTING}."
            )

    def check_address(self, place: Place, address: str) -> None:
        """Raise NotAllowedError where `place`, one of them, leads to an `address` that it must not."""
        if address == place.host:  # it was named itself
            return
        found = _as_reached(address)
        if is_metadata(found) or found.is_unspecified or found.is_multicast:
            raise NotAllowedError(f"{place} leads to {address}, which nothing here may reach.")
        if place not in self.named and not found.is_global:
            raise NotAllowedError(
                f"{place} leads to {address}, which is not in the internet. An administrator who means that "
                f"names it in {SETTING}."
            )


def _as_reached(address: str) -> IPv4Address | IPv6Address:
    """Return `address`, and the IPv4 address that an IPv6 one stands for."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found
