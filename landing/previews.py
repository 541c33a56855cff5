"""The first rows of a table file, for a page."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from itertools import islice

from workspace_api.runs.views import OpenFile

ROWS = 8
COLUMNS = 12
CELL = 80
BYTES = 64_000
SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class TablePreview:
    """The beginning of a table; `more_rows` and `more_columns` say whether there is more of it."""

    header: list[str]
    rows: list[list[str]]
    more_rows: bool
    more_columns: bool


def is_table(path: str) -> bool:
    """Whether a file is shown as a table, by its name."""
    return os.path.splitext(path)[1].lower() in SEPARATORS  # noqa: PTH122 - a name, not a file of ours


def table_preview(file: OpenFile) -> TablePreview | None:
    """Return the beginning of a comma or tab separated file; None where it is empty or none."""
    separator = SEPARATORS[os.path.splitext(file.path)[1].lower()]  # noqa: PTH122 - as above
    data = os.pread(file.fd, BYTES, 0)
    lines = list(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
    cut = len(data) < file.size
    return preview_of(lines[:-1] if cut else lines, separator, cut=cut)


def preview_of(lines: list[str], separator: str, *, cut: bool) -> TablePreview | None:
    """Return the first rows of `lines`, which keep their ends; `cut` says that the file goes on."""
    try:
        rows = list(islice(csv.reader(lines, delimiter=separator), ROWS + 2))
    except csv.Error:
        return None
    if not rows or not rows[0]:
        return None
    wide = max(len(row) for row in rows) > COLUMNS
    shown = [[cell[:CELL] for cell in row[:COLUMNS]] for row in rows]
    return TablePreview(shown[0], shown[1 : ROWS + 1], cut or len(rows) > ROWS + 1, wide)
