"""What the gateway needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CA_FILE = "ca.pem"
ROOTS_FILE = "roots.pem"
SOCKET_FILE = "gateway.sock"


@dataclass(frozen=True)
class GatewaySettings:
    """Where the gateway listens, what stands behind it, and what it keeps.

    `folder` holds its certificates; `sockets` the unix socket by which sandboxed runs reach it; `cache` the
    answers that are kept. Unless the service is `real` the offline model answers.
    """

    folder: Path
    sockets: Path
    cache: Path
    host: str
    port: int
    real: bool = False
    upstream_key: str = field(default="", repr=False)
    upstream_key_file: Path | None = None
    upstream_address: str = "gdmscience.googleapis.com:443"
    upstream_roots: Path | None = None
    upstream_at_once: int = 16
    max_response_bytes: int = 400_000_000
    cache_bytes: int = 20 * 1024**3
    cache_days: float = 90
    usage_days: int = 400
    hash_with: bytes | None = field(default=None, repr=False)

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


def cache_folder(home: Path) -> Path:
    """Return where a workspace keeps AlphaGenome's answers."""
    return home / "cache" / "alphagenome"
