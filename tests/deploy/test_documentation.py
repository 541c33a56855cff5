"""The documentation names every setting and command there is."""

from __future__ import annotations

from pathlib import Path

from typer.main import get_command

from deploy.cli import app
from deploy.configuration import setting_names, variable

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_setting_is_documented_with_its_variable():
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")

    assert [name for name in setting_names() if f"`{variable(name)}`" not in text] == []


def test_every_command_is_documented():
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    command = get_command(app)
    names = [
        f"labfork {name} {sub}".strip()
        for name, child in command.commands.items()
        for sub in getattr(child, "commands", {"": None})
    ]

    assert [name for name in names if f"`{name}" not in text] == []
