"""Where the rows of a batch come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workspace_api.batches.given import Cell


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

    rows: Sequence[Mapping[str, Cell]]
    filename = "rows.json"

    @property
    def data(self) -> bytes:
        """The same as a file."""
        return json.dumps(list(self.rows), ensure_ascii=False, indent=1).encode()


Source = Uploaded | Kept | Sent
