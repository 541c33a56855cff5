"""The processes that JupyterHub supervises, and the head start that four of them get.

JupyterHub takes seconds to load, with one processor. `labfork up` starts what takes long to load itself
before it becomes JupyterHub; when JupyterHub comes to start its services it finds these running and takes
them over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deploy.in_force import InForce
from deploy.layout import machine_environment
from deploy.secrets import write_private

KEPT = ("PATH", "LANG", "LC_ALL")  # of the caller's variables, as JupyterHub keeps them for its services
_started: dict[str, subprocess.Popen[bytes]] = {}


def process_command(name: str, home: Path) -> list[str]:
    """Return the command of one of the processes of `deploy.process`."""
    return [sys.executable, "-m", "deploy.process", name, "--home", str(home)]


def tied_command(name: str, home: Path, *command: str) -> list[str]:
    """Return `command` as one that ends with its parent, and whose output is the log `name`."""
    return [sys.executable, "-m", "deploy.tether", str(home / "logs" / f"{name}.log"), *command]


def forge_command(force: InForce) -> list[str]:
    """Return the command of the embedded forge, which shares no code with ours; writes its token's file."""
    token_file = force.home / "config" / "forge-token"
    write_private(token_file, force.secrets.forge_token)
    repositories = force.configuration.repositories
    settings = {
        "--home": force.home / "forge",
        "--host": "127.0.0.1",
        "--port": force.ports.forge,
        "--external-url": force.forge_public_url,
        "--root-token-file": token_file,
        "--import-mib": repositories.max_mib,
        "--import-seconds": repositories.minutes * 60,
    }
    told = [str(part) for pair in settings.items() for part in pair]
    hosts = [part for host in repositories.hosts for part in ("--import-host", host)]
    return tied_command("forge", force.home, sys.executable, "-m", "deploy.forge", *told, *hosts)


def commands(force: InForce) -> dict[str, list[str]]:
    """Return the commands that get a head start, the one that is waited for longest first."""
    ours = {name: process_command(name, force.home) for name in ("web", "worker", "gateway")}
    return {**ours, "forge": forge_command(force)} if force.embedded_forge else ours


def give_head_start(force: InForce) -> None:
    """Start the processes that take long to load; they end with this process."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | machine_environment()
    for name, command in commands(force).items():
        _started[name] = subprocess.Popen(command, env=environment, start_new_session=True)


def take_over(name: str) -> subprocess.Popen[bytes] | None:
    """Return the process that was started ahead as `name`, once; later starts are the caller's."""
    return _started.pop(name, None)
