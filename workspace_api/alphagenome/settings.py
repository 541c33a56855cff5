"""What the gateway needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CA_FILE = "ca.pem"
ROOTS_FILE = "roots.pem"
SOCKET_FILE = "gateway.sock"


@dataclass(frozen=True)
class GatewaySettings:
    """Where the gateway listens and what stands behind it.

    `folder` holds its certificates; `sockets` the unix socket by which sandboxed runs reach it. Without
    `upstream_key` the offline model answers.
    """

    folder: Path
    sockets: Path
    host: str
    port: int
    upstream_key: str | None = field(default=None, repr=False)
    upstream_address: str = "gdmscience.googleapis.com:443"
    upstream_roots: Path | None = None
    max_response_bytes: int = 400_000_000

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.sockets / SOCKET_FILE


def gateway_folder(home: Path) -> Path:
    """Return where a workspace keeps the gateway's certificates."""
    return home / "config" / "alphagenome"


def public_folder(home: Path) -> Path:
    """Return where runs find the gateway's socket and the certificates they trust."""
    return home / "gateway"
