"""Leads from the home, which is all that JupyterLab's file browser shows, to what groups share."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

NAME = "shared"


def lead_to(shared: Path, home: Path) -> None:
    """Make a link in the home to the folder of what is shared; what has that name there already stays."""
    if shared.is_dir():
        with suppress(OSError):  # a full disk, for one, is no reason to have no JupyterLab
            (home / NAME).symlink_to(shared)
