"""What only a first start, or the first of a new release, has to store: schema and accounts."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from auth.identity import Level
from deploy.configuration import Configuration
from deploy.in_force import InForce
from deploy.secrets import write_private
from nfs.layout import StorageLayout
from workspace_api.people.names import SYSTEM_ACCOUNTS

MIGRATIONS = Path(__file__).resolve().parent.parent / "workspace_api" / "migrations" / "versions"


def is_prepared(database_file: Path, admin_name: str) -> bool:
    """Whether the database has the newest schema and every account that a start makes.

    Read with the standard library alone: a start that has nothing to store does not wait for what storing
    needs.
    """
    if not database_file.exists():
        return False
    accounts = {*SYSTEM_ACCOUNTS, admin_name}
    marks = ", ".join("?" * len(accounts))
    try:
        with closing(sqlite3.connect(f"file:{database_file}?mode=ro", uri=True)) as connection:
            stored = [version for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
            query = f"SELECT count(*) FROM users WHERE name IN ({marks})"  # noqa: S608 - marks alone
            (found,) = connection.execute(query, sorted(accounts)).fetchone()
    except sqlite3.Error:  # an empty or a damaged one: whoever prepares it says what is wrong
        return False
    return stored == [newest_schema()] and found == len(accounts)


def newest_schema() -> str:
    """Return the newest migration, by the number that its file begins with."""
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("[0-9]*.py"))


def prepare_database(force: InForce) -> None:
    """Bring the schema to the newest, and make the accounts that are missing; safe to repeat."""
    from auth.passwords import Passwords
    from workspace_api.database import Database, migrate
    from workspace_api.people.service import PeopleService

    settings = force.settings()
    migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        people = PeopleService(database, StorageLayout(settings.home / "storage"), Passwords())
        people.ensure_system_accounts()
        if people.find(force.configuration.admin_name) is None:
            password = _first_password(force.configuration)
            people.add(
                force.configuration.admin_name,
                password=password,
                display_name="Administrator",
                level=Level.DEVELOPER,
                admin=True,
            )
    finally:
        database.close()


def _first_password(configuration: Configuration) -> str:
    """Return the password that was given, or a new one, written down before the account is made."""
    given = configuration.admin_password.get_secret_value()
    if given:
        return given
    made = secrets.token_urlsafe(12)
    write_private(password_file(configuration.home), made + "\n")
    return made


def password_file(home: Path) -> Path:
    """Return where a generated first password waits until it has been shown."""
    return home / "config" / "first-administrator-password"
