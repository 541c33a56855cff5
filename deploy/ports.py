"""Ports: the public one is checked, the inner ones are chosen."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from deploy.configuration import ConfigurationError


def require_free(host: str, port: int) -> None:
    """Raise ConfigurationError when something already listens on `host:port`."""
    try:
        _bind(host, port).close()
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used: {error.strerror}. Another workspace or program may have "
            f"it; choose another, for example LABFORK_PORT={port + 1 if port < 65535 else 8000}."
        ) from None


def free_ports(count: int) -> list[int]:
    """Return `count` different ports on 127.0.0.1 that nothing listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(_bind("127.0.0.1", 0)) for _ in range(count)]
        return [int(held_socket.getsockname()[1]) for held_socket in sockets]


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
