"""What the Python of every environment reads at its start: files by their names beside its packages."""

from __future__ import annotations

from pathlib import Path

STARTUP = {
    "labfork_client_defaults.py": Path(__file__).with_name("client_defaults.py"),
    "labfork_client_defaults.pth": Path(__file__).with_name("client_defaults.pth"),
}
