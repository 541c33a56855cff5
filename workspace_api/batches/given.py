"""Rows that a program sends as JSON in the place of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace_api.batches.reading import MOST_COLUMNS, MOST_LINES, Line, TableError


@dataclass(frozen=True)
class GivenRows:
    """Rows with their values by the name of the column; lines are counted from 1, without a header."""

    rows: Sequence[Mapping[str, Any]]
    vcf = False

    def lines(self) -> Iterator[Line]:
        """Yield the names of the columns as line 0, then (number, cells) of each row that has anything.

        Raises TableError for more than a table has: each row has a cell for every name in any of them.
        """
        if len(self.rows) > MOST_LINES:
            raise TableError(f"There are more than {MOST_LINES:,} rows. Send them in parts.")
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        if len(names) > MOST_COLUMNS:
            raise TableError(
                f"The rows have {len(names):,} names of values, more than {MOST_COLUMNS}. Send those that "
                "are needed."
            )
        if names:
            yield 0, names
        for number, row in enumerate(self.rows, 1):
            cells = ["" if (value := row.get(name)) is None else str(value).strip() for name in names]
            if any(cells):
                yield number, cells
