"""What the installed checkout and the machine around it give to every process."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
NODE_MODULES = CHECKOUT / "node_modules"
TEMPLATES = CHECKOUT / "repo_templates"

MACHINE_VARIABLES = frozenset(
    {
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "TZ",
        "HOME",
        "XDG_CACHE_HOME",
    }
)


def machine_environment() -> dict[str, str]:
    """Return the variables by which this machine reaches others: proxies, CA bundles, uv's settings.

    JupyterHub gives its services a short list of variables; without these an intranet's package mirror
    could not be reached.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in MACHINE_VARIABLES or name.startswith("UV_")
    }
