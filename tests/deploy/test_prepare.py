"""What happens between `labfork up` and JupyterHub taking over."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.configuration import ConfigurationError, read_configuration
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
