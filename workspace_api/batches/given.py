"""Rows that a program sends as JSON in the place of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace_api.batches.reading import Line


@dataclass(frozen=True)
class GivenRows:
    """Rows with their values by the name of the column; lines are counted from 1, without a header."""

    rows: Sequence[Mapping[str, Any]]
    vcf = False

    def lines(self) -> Iterator[Line]:
        """Yield the names of the columns as line 0, then (number, cells) of each row that has anything."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        if names:
            yield 0, names
        for number, row in enumerate(self.rows, 1):
            cells = ["" if (value := row.get(name)) is None else str(value).strip() for name in names]
            if any(cells):
                yield number, cells
