"""The table of a batch: rows with what became of them, narrowed, sorted and written as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workspace_api.batches.checking import Row
from workspace_api.batches.journal import Journal, Value
from workspace_api.batches.views import BatchRow
from workspace_api.errors import FieldError, InvalidInputError

Order = Literal["down", "up", "size"]
STATES = ("waiting", "done", "failed")
ORDERS: tuple[Order, ...] = ("down", "up", "size")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted and in which order.

    `q` is part of the variant, the name or any text among the values; `least` is the smallest size of the
    value they are ranked by. `sort` names a value, or is empty for the rank; `order` is `down` (largest
    first), `up`, or `size` (largest first, whatever the sign).
    """

    state: str = ""
    q: str = ""
    least: float | None = None
    sort: str = ""
    order: str = ""


def ranked(rows: Sequence[Row], journal: Journal, rank: str | None, wanted: Wanted) -> list[BatchRow]:
    """Return the wanted rows in their order; raises InvalidInputError for an order there is not."""
    column = _checked(journal, rank, wanted)
    found = [row for row in _joined(rows, journal) if _fits(row, wanted, rank)]
    if column is None:
        return found[::-1] if wanted.order == "down" else found
    order = wanted.order or ("size" if column == rank else "up")
    with_value = [row for row in found if row.values.get(column) is not None]
    without = [row for row in found if row.values.get(column) is None]
    with_value.sort(key=lambda row: _key(row.values[column], order), reverse=order != "up")
    return with_value + without


def as_csv(rows: Sequence[BatchRow], columns: Sequence[str]) -> Iterator[str]:
    """Yield a table as CSV in pieces; texts that a spreadsheet would take for formulas are quoted."""
    yield "\ufeff"
    own = ("row", "line", "variant", "name", "state", "error")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*own, *map(_safe, columns)])
    for number, row in enumerate(rows):
        cells = [row.row, row.line, row.variant, row.name, row.state, row.error or ""]
        writer.writerow([_safe(cell) for cell in (*cells, *(row.values.get(name) for name in columns))])
        if number % 1000 == 999:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _joined(rows: Sequence[Row], journal: Journal) -> Iterator[BatchRow]:
    for row in rows:
        entry = journal.entries.get(row.row)
        if entry is None:
            yield BatchRow(row.row, row.line, row.variant, row.name, "waiting", None, {})
        else:
            yield BatchRow(row.row, row.line, row.variant, row.name, entry.state, entry.error, entry.values)


def _checked(journal: Journal, rank: str | None, wanted: Wanted) -> str | None:
    """Return the value to sort by; None for the order of the table."""
    if wanted.state and wanted.state not in STATES:
        raise _refusal("state", f"“{wanted.state[:40]}” is no state of a row; there are {', '.join(STATES)}.")
    if wanted.order and wanted.order not in ORDERS:
        raise _refusal("order", f"“{wanted.order[:40]}” is no order; there are {', '.join(ORDERS)}.")
    if wanted.sort == "row":
        return None
    if wanted.sort and wanted.sort not in journal.columns:
        known = ", ".join(["row", *journal.columns])
        raise _refusal("sort", f"“{wanted.sort[:60]}” is no column to sort by; there are {known}.")
    return wanted.sort or (rank if rank in journal.columns else None)


def _fits(row: BatchRow, wanted: Wanted, rank: str | None) -> bool:
    if wanted.state and row.state != wanted.state:
        return False
    if wanted.least is not None:
        value = row.values.get(rank or "")
        if not isinstance(value, int | float) or abs(value) < wanted.least:
            return False
    words = wanted.q.lower().split()
    if not words:
        return True
    texts = (row.variant, row.name, row.error or "", *(v for v in row.values.values() if isinstance(v, str)))
    said = " ".join(texts).lower()
    return all(word in said for word in words)


def _key(value: Value, order: str) -> tuple[int, float, str]:
    """Return what a value is sorted by: numbers come together, and so do texts."""
    if isinstance(value, int | float):
        return (1 if order != "up" else 0, abs(value) if order == "size" else value, "")
    return (0 if order != "up" else 1, 0.0, str(value).lower())


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _refusal(field: str, message: str) -> InvalidInputError:
    return InvalidInputError("The table cannot be shown so.", [FieldError(field, message)])
