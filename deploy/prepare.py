"""Everything between `labfork up` and JupyterHub taking over: folders, schema, first administrator."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.configuration import Configuration, ConfigurationError
from deploy.first_start import is_prepared, prepare_database
from deploy.in_force import InForce, decide

PRIVATE_FOLDERS = ("config", "forge", "logs", "run", "work", "cache")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OUR_COMMANDS = (b"labfork", b"deploy.cli")  # what a process that took the id of a dead workspace is not


def prepare(configuration: Configuration, *, sandbox_present: bool) -> InForce:
    """Make the state folder ready for a start and return what is in force; safe to repeat.

    Raises ConfigurationError where the start must be refused: a taken port, a folder that cannot be
    written, or runs without a sandbox on an address that others reach.
    """
    refuse_unsandboxed_exposure(configuration, sandbox_present=sandbox_present)
    make_folders(configuration.home)
    in_force = decide(configuration, sandboxed=sandbox_present)
    if not is_prepared(in_force.database_file, configuration.admin_name):
        prepare_database(in_force)
    return in_force


def refuse_unsandboxed_exposure(configuration: Configuration, *, sandbox_present: bool) -> None:
    """Refuse to run other people's notebooks unsandboxed for anybody but this machine's own user."""
    if not sandbox_present and configuration.host not in LOOPBACK:
        raise ConfigurationError(
            "bubblewrap is missing, so runs would not be sandboxed, and others reach this workspace at "
            f"LABFORK_HOST={configuration.host}. Install bubblewrap (Debian: apt-get install bubblewrap), or "
            "listen on 127.0.0.1."
        )


def make_folders(home: Path) -> None:
    """Create the state folder and its private parts."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in PRIVATE_FOLDERS:
            folder = home / name
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(
            f"LABFORK_HOME={home} cannot be used: {error.strerror}. Name a folder that you may write."
        ) from None


def running_process(home: Path) -> int | None:
    """Return the process id of the workspace that runs in `home`, if one does."""
    pid_file = home / "run" / "jupyterhub.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path(f"/proc/{pid}").exists() else b""
    return pid if any(name in command for name in OUR_COMMANDS) else None
