"""Addresses at which a cloud tells its machines their own credentials: no job is to reach them."""

from __future__ import annotations

import shutil
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

from hub.processes import CommandError, run

SECONDS = 20.0
NETWORKS = (
    "169.254.0.0/16",  # link-local; 169.254.169.254 is that of most clouds
    "100.100.100.200/32",  # Alibaba Cloud
    "fd00:ec2::254/128",  # Amazon, by IPv6
    "fd20:ce::254/128",  # Google, by IPv6
)
_PARSED = tuple(ip_network(network) for network in NETWORKS)


def is_metadata(address: IPv4Address | IPv6Address) -> bool:
    """Whether `address` is one of them, or link-local in another way."""
    return address.is_link_local or any(address in network for network in _PARSED)


def route_program() -> str | None:
    """Return the program that sets routes, `ip` of iproute2; None where the machine has none."""
    return shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")


class NetworkError(OSError):
    """The network of a job cannot be made what it has to be; the message says why."""


def shut_out(pid: int) -> None:
    """Make these addresses unreachable in the network of the process `pid`; raises NetworkError.

    Only who may administer that network can undo it. Asking for one of them then fails at once.
    """
    if _is_ours(pid):
        raise NetworkError(
            "it would be in this machine's own network, where metadata addresses of a cloud are reached. "
            "Name another network of the engine in containers.network."
        )
    six = Path(f"/proc/{pid}/net/if_inet6").exists()  # else the kernel has no IPv6
    routes = "".join(f"route replace unreachable {each}\n" for each in NETWORKS if six or ":" not in each)
    try:
        run(
            ["nsenter", f"--net=/proc/{pid}/ns/net", route_program() or "ip", "-batch", "-"],
            stdin=routes.encode(),
            timeout=SECONDS,
        )
    except CommandError as error:
        raise NetworkError(f"metadata addresses of a cloud cannot be shut out: {error}") from None


def _is_ours(pid: int) -> bool:
    """Whether the process `pid` is in our own network, such as a container of the engine's network `host`."""
    try:
        return Path(f"/proc/{pid}/ns/net").samefile("/proc/self/ns/net")
    except OSError as error:
        raise NetworkError(f"the network of its process {pid} is not to be seen: {error.strerror}") from None
