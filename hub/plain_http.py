"""What httpx needs to know to talk on this machine alone, quickly."""

from __future__ import annotations

import ssl

# Without TLS there is nothing to verify, and httpx would read every certificate anew for each client.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
