"""The system packages a workspace needs, installed where that is possible."""

from __future__ import annotations

import os
import shutil

import typer

from deploy.doctor import Finding, sandbox
from hub.processes import CommandError, run

APT_MINUTES = 10


def sandbox_or_install() -> Finding:
    """Return the state of the sandbox, after installing bubblewrap where root on Debian lacks it."""
    found = sandbox()
    if found.present or shutil.which("bwrap") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return found
    typer.echo("Installing bubblewrap, which keeps runs apart ...")
    try:
        run(["apt-get", "update", "-qq"], timeout=APT_MINUTES * 60)
        run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "bubblewrap"],
            timeout=APT_MINUTES * 60,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except CommandError as error:
        typer.secho(f"bubblewrap could not be installed: {error}", fg="yellow")
    return sandbox()
