"""Reads the sheet of a workbook in a process of its own, with bounds on its memory and its time.

Started as `python -m workspace_api.batches.sheets BYTES SECONDS` with the workbook on standard input. It
writes `[row of the sheet, cells]` as JSON, a line for each, then `END`; in its place words for whoever sent
it. openpyxl makes an object of each of a workbook's styles, so that a hundred kilobytes may take gigabytes
and minutes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from workspace_api.batches.reading import MOST_COLUMNS, MOST_LINES, Line, TableError

END = None
SAVE_AGAIN = "In Excel choose File, Save as, “Excel workbook (.xlsx)” or “CSV UTF-8”, and upload that."


def read_sheet(data: bytes) -> Iterator[Line]:
    """Yield (row of the sheet, cells) of each row that has anything, as wide as the first of them.

    Raises TableError.
    """
    try:
        yield from _rows(data)
    except (TableError, MemoryError):
        raise
    except Exception as error:  # openpyxl has no error of its own for what is wrong in a file
        raise TableError(f"The workbook is damaged. {SAVE_AGAIN}") from error


def _rows(data: bytes) -> Iterator[Line]:
    import openpyxl  # type: ignore[import-untyped]  # takes a while to load

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    with contextlib.closing(book):
        sheet = next((each for each in book.worksheets if each.sheet_state == "visible"), None)
        if sheet is None:
            raise TableError(f"The workbook shows no sheet. {SAVE_AGAIN}")
        rows = sheet.iter_rows(max_row=MOST_LINES + 1, max_col=MOST_COLUMNS, values_only=True)
        width = MOST_COLUMNS
        for number, row in enumerate(islice(rows, MOST_LINES + 1), 1):
            cells = [_text(value) for value in row[:width]]
            if not any(cells):
                continue
            if number > MOST_LINES:
                raise TableError(f"The sheet has more than {MOST_LINES:,} rows. Upload it in parts.")
            if width == MOST_COLUMNS:
                width = len(cells) - next(at for at, cell in enumerate(reversed(cells)) if cell)
            yield number, cells[:width]


def _text(value: Any) -> str:
    """Return a cell as a person sees it: whole numbers whole, a date that was a gene's name like 2-Sep."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.date):  # a moment is a date too
        return f"{value.day}-{value:%b}"
    return str(value).strip()


def main() -> None:
    """Read what is given, and write its rows, or why not."""
    for limit, most in zip((resource.RLIMIT_AS, resource.RLIMIT_CPU), map(int, sys.argv[1:]), strict=True):
        resource.setrlimit(limit, (most, most))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of numpy, which reserves memory for each processor
    last: str | None = END
    try:
        for line in read_sheet(sys.stdin.buffer.read()):
            print(json.dumps(line))
    except TableError as error:
        last = str(error)
    print(json.dumps(last))


if __name__ == "__main__":
    main()
