"""New databases of the newest schema; the migrations run once in a process, each database is a copy."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from workspace_api.database import migrate


def make_database(url: str) -> None:
    """Make the SQLite file that `url` names a database without rows."""
    Path(url.removeprefix("sqlite:///")).write_bytes(_migrated())


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "database.sqlite"
        migrate(f"sqlite:///{file}")
        assert list(file.parent.iterdir()) == [file], "all of it is in the one file"
        return file.read_bytes()
