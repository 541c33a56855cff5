"""The `labfork` command, in this process, for a workspace that does not run."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from deploy.cli import app, opened
from deploy.configuration import PREFIX, read_configuration
from deploy.prepare import prepare
from tests.conftest import free_port, workspace_environment


@pytest.fixture
def labfork(tmp_path, monkeypatch):
    """Runs the command for a workspace that was prepared and has the account ada."""
    environment = workspace_environment(tmp_path / "var", free_port(), LABFORK_ADMIN_PASSWORD="correct horse")
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name in ("LABFORK_HOME", "LABFORK_PORT", "LABFORK_ADMIN_PASSWORD"):
        monkeypatch.setenv(name, environment[name])
    prepare(read_configuration(), sandbox_present=False)

    def run(*arguments: str):
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    assert run("user", "add", "ada", "--password", "correct horse battery").exit_code == 0
    return run


@pytest.fixture
def services(labfork):
    """The services of that workspace."""
    workspace = opened()
    yield workspace
    workspace.close()
