"""The lines of an uploaded Excel workbook; nothing in it is executed, and no link is followed."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from workspace_api.batches.reading import MOST_BYTES, MOST_COLUMNS, MOST_LINES, Line, TableError

MOST_PARTS = 2_000  # files in the archive that a workbook is
SAVE_AGAIN = "In Excel choose File, Save as, “Excel workbook (.xlsx)” or “CSV UTF-8”, and upload that."


@dataclass(frozen=True)
class Workbook:
    """The first sheet that is shown of an .xlsx file; of formulas the values that Excel kept."""

    data: bytes
    vcf = False

    def lines(self) -> Iterator[Line]:
        """Yield (row of the sheet, cells) of each row that has anything, as wide as the first of them.

        Raises TableError.
        """
        try:
            yield from self._lines()
        except TableError:
            raise
        except Exception as error:  # openpyxl has no error of its own for what is wrong in a file
            raise TableError(f"The workbook is damaged. {SAVE_AGAIN}") from error

    def _lines(self) -> Iterator[Line]:
        import openpyxl  # type: ignore[import-untyped]  # takes a while to load, and few tables are workbooks

        book = openpyxl.load_workbook(io.BytesIO(self.data), read_only=True, data_only=True, keep_links=False)
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


def open_workbook(data: bytes) -> Workbook:
    """Return an uploaded archive as the workbook that it is.

    Raises TableError for any other archive, and for one that would take up too much room: `zipfile` gives no
    more bytes of a part than are declared.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise TableError(f"The workbook is damaged. {SAVE_AGAIN}") from error
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise TableError(f"This archive is no workbook of Excel that can be read here. {SAVE_AGAIN}")
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
        raise TableError(
            f"Unpacked the workbook has more than {MOST_BYTES / 1e6:.0f} MB. Keep the sheet and the columns "
            "that are needed."
        )
    return Workbook(data)


def _text(value: Any) -> str:
    """Return a cell as a person sees it: whole numbers whole, a date that was a gene's name like 2-Sep."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.date):  # a moment is a date too
        return f"{value.day}-{value:%b}"
    return str(value).strip()
