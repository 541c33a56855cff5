"""What happens between `labfork up` and JupyterHub taking over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from deploy.configuration import ConfigurationError, read_configuration
from deploy.first_start import MIGRATIONS, is_prepared, newest_schema
from deploy.prepare import prepare
from tests.conftest import free_port


def configured(home: Path, **more: str):
    return read_configuration({"LABFORK_HOME": str(home), "LABFORK_PORT": str(free_port()), **more})


def test_without_a_sandbox_nobody_else_may_reach_the_workspace(tmp_path):
    exposed = configured(tmp_path / "var", LABFORK_HOST="0.0.0.0")

    with pytest.raises(ConfigurationError, match=r"LABFORK_HOST=0\.0\.0\.0.*Install bubblewrap"):
        prepare(exposed, sandbox_present=False)

    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(("host", "sandboxed"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_sandbox_or_the_loopback_address_is_enough(tmp_path, host, sandboxed):
    force = prepare(configured(tmp_path / "var", LABFORK_HOST=host), sandbox_present=sandboxed)

    assert force.settings().sandboxed is sandboxed


def test_the_first_administrators_password_is_made_once_and_kept_private(tmp_path):
    first = prepare(configured(tmp_path / "var"), sandbox_present=True)
    file = first.home / "config" / "first-administrator-password"
    password = file.read_text()
    prepare(configured(tmp_path / "var"), sandbox_present=True)

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == password


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"LABFORK_HOME=.*file"):
        prepare(configured(tmp_path / "file" / "var"), sandbox_present=True)


def test_a_start_with_nothing_to_store_is_known_by_schema_and_accounts(tmp_path):
    file = tmp_path / "var" / "database.sqlite"
    assert not is_prepared(file, "admin")

    prepare(configured(tmp_path / "var"), sandbox_present=True)

    assert is_prepared(file, "admin")
    assert not is_prepared(file, "another-admin")


@pytest.mark.parametrize(
    "change",
    ["UPDATE alembic_version SET version_num = '0001'", "DELETE FROM users WHERE name = 'public'"],
)
def test_an_older_schema_or_a_missing_account_is_not_taken_for_prepared(tmp_path, change):
    prepare(configured(tmp_path / "var"), sandbox_present=True)
    file = tmp_path / "var" / "database.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(change)

    assert not is_prepared(file, "admin")


def test_what_is_no_database_counts_as_not_prepared(tmp_path):
    (tmp_path / "database.sqlite").write_text("not a database")

    assert not is_prepared(tmp_path / "database.sqlite", "admin")


def test_migration_files_begin_with_their_number():
    scripts = ScriptDirectory(str(MIGRATIONS.parent))

    assert scripts.get_current_head() == newest_schema()
