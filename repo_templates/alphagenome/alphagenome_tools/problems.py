"""What is wrong with the rows of a file, in words and with the row's number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

SHOWN_CHARACTERS = 60


class TableError(ValueError):
    """A file cannot be used as a whole; the message names it and says what to do."""


@dataclass(frozen=True)
class Problem:
    """Something about one row: ``row`` counts as spreadsheets do, the first line of the file being 1."""

    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row:,}, {self.column} {short(self.value)!r}: {self.message}"


def short(value: object) -> str:
    """Return ``value`` as text that fits into a sentence."""
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def problems_table(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return problems as a table with the columns row, column, value and message."""
    rows = [{**asdict(problem), "value": short(problem.value)} for problem in problems]
    return pd.DataFrame(rows, columns=["row", "column", "value", "message"])
