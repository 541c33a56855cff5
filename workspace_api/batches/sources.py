"""Where the rows of a batch come from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_FILENAME = 80


@dataclass(frozen=True)
class Uploaded:
    """A table that came with the request."""

    filename: str
    data: bytes


@dataclass(frozen=True)
class Kept:
    """A table in a home or share, by the path that its reader writes."""

    path: str


@dataclass(frozen=True)
class Sent:
    """Rows that came as JSON."""

    rows: Sequence[Mapping[str, Any]]
    filename = "rows.json"

    @property
    def data(self) -> bytes:
        """The same as a file."""
        return json.dumps(list(self.rows), ensure_ascii=False, indent=1).encode()


Source = Uploaded | Kept | Sent


def plain_name(filename: str) -> str:
    """Return the name of an uploaded file without folders, control characters and what a shell minds."""
    name = re.sub(r"[^\w.() +-]", "_", filename.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return name[-LONGEST_FILENAME:] or "table"
