"""The event log: one JSON object a line, readable while the run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class EventLog:
    """Appends events to a file; each is on disk (as far as other processes see) when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="ascii")

    def write(self, event: str, **fields: Any) -> None:
        """Append ``{"event": event, **fields}``; ``fields`` must be JSON values."""
        self._file.write(json.dumps({"event": event, **fields}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
