"""Everything between `labfork up` and JupyterHub taking over: folders, schema, first administrator."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from auth.identity import Level
from auth.passwords import Passwords
from deploy.configuration import Configuration, ConfigurationError
from deploy.in_force import InForce, decide
from deploy.secrets import write_private
from nfs.layout import StorageLayout
from workspace_api.database import Database, migrate
from workspace_api.people.service import PeopleService

PRIVATE_FOLDERS = ("config", "forge", "logs", "run", "work", "cache")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def prepare(configuration: Configuration, *, sandbox_present: bool) -> InForce:
    """Make the state folder ready for a start and return what is in force; safe to repeat.

    Raises ConfigurationError where the start must be refused: a taken port, a folder that cannot be
    written, or runs without a sandbox on an address that others reach.
    """
    refuse_unsandboxed_exposure(configuration, sandbox_present=sandbox_present)
    make_folders(configuration.home)
    in_force = decide(configuration, sandboxed=sandbox_present)
    settings = in_force.settings()
    migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        people = PeopleService(database, StorageLayout(settings.home / "storage"), Passwords())
        people.ensure_system_accounts()
        ensure_administrator(people, configuration)
    finally:
        database.close()
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


def ensure_administrator(people: PeopleService, configuration: Configuration) -> None:
    """Make the first administrator; an account that is there already keeps its password."""
    if people.find(configuration.admin_name) is not None:
        return
    given = configuration.admin_password.get_secret_value()
    password = given or secrets.token_urlsafe(12)
    people.add(
        configuration.admin_name,
        password=password,
        display_name="Administrator",
        level=Level.DEVELOPER,
        admin=True,
    )
    if not given:
        write_private(password_file(configuration.home), password + "\n")


def password_file(home: Path) -> Path:
    """Return where a generated first password waits until it has been shown."""
    return home / "config" / "first-administrator-password"


def running_process(home: Path) -> int | None:
    """Return the process id of the workspace that runs in `home`, if one does."""
    pid_file = home / "run" / "jupyterhub.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path(f"/proc/{pid}").exists() else b""
    return pid if b"jupyterhub" in command else None
