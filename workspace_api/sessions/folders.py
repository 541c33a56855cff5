"""Where sessions, and operations on checkouts, have their files for as long as they last."""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
import time
from pathlib import Path

from workspace_api.sessions.models import WorkSession
from workspace_api.sessions.surroundings import OPERATION_SECONDS, Place
from workspace_api.sessions.table import UNENDED, SessionTable

OPERATION = "operation-"
OPERATION_LASTS = dt.timedelta(seconds=OPERATION_SECONDS) + dt.timedelta(minutes=5)


class SessionFolders:
    """The folders in `root`, each named after its session, or as an operation."""

    def __init__(self, root: Path, table: SessionTable) -> None:
        self._root = root
        self._table = table

    def of(self, session_id: str) -> Place:
        """Return where a session has its files."""
        return Place(self._root / session_id)

    def operation(self) -> Place:
        """Return where a new operation will have its files; the folder's name tells it from every other."""
        return Place(self._root / f"{OPERATION}{secrets.token_hex(6)}")

    @staticmethod
    def remove(place: Place) -> None:
        """Remove all files of a session or operation."""
        shutil.rmtree(place.folder, ignore_errors=True)

    def remove_left(self) -> None:
        """Remove the files of all that has ended, where who should have done so was killed."""
        there = list(self._root.iterdir()) if self._root.is_dir() else []
        names = [folder.name for folder in there if not folder.name.startswith(OPERATION)]
        lasting = self._table.list(WorkSession.id.in_(names), UNENDED, limit=len(names))
        for folder in there:
            if folder.name.startswith(OPERATION):
                ended = _age(folder) > OPERATION_LASTS.total_seconds()
            else:
                ended = folder.name not in {view.id for view in lasting}
            if ended:
                self.remove(Place(folder))


def _age(folder: Path) -> float:
    """Return how many seconds ago a folder was changed; 0 for one that is gone by now."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
