"""What the first start says: the commands that it names work as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.cli import _greet
from deploy.configuration import Configuration
from deploy.first_start import password_file


@pytest.mark.parametrize(
    ("home", "command"),
    [
        (Path("var"), "with: .venv/bin/labfork user password admin)"),
        (Path("kept elsewhere"), "with: LABFORK_HOME='{home}' .venv/bin/labfork user password admin)"),
    ],
)
def test_the_password_is_changed_in_the_home_of_this_workspace(tmp_path, monkeypatch, capsys, home, command):
    monkeypatch.chdir(tmp_path)
    configuration = Configuration(home=home.resolve())  # as it is read
    first = password_file(configuration.home)
    first.parent.mkdir(parents=True)
    first.write_text("secret")
    _greet(configuration, None)

    assert command.format(home=tmp_path / home) in capsys.readouterr().out
