"""Rows of a text file or an Excel sheet, whatever program wrote it."""

from __future__ import annotations

import csv
import gzip
import io
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from alphagenome_tools.problems import TableError

DELIMITERS = ",;\t|"
ENCODINGS = {"utf-8-sig": "UTF-8", "gb18030": "GB 18030", "utf-16": "UTF-16"}
GZIP = b"\x1f\x8b"
EXCEL_ENDINGS = (".xlsx", ".xlsm")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
Row = tuple[int, list[Any]]


@dataclass(frozen=True)
class Sheet:
    """The rows of a file with their numbers, the first being 1; ``source`` says how it was read."""

    rows: list[Row]
    source: str


def read_sheet(path: str | Path, sheet: str | None = None) -> Sheet:
    """Return the rows of a CSV, TSV or Excel file; empty rows are left out, numbers stay those of the file.

    The delimiter (comma, semicolon, tab, bar) and the encoding (UTF-8 with or without a byte order mark,
    UTF-16, GB 18030) are found out. ``sheet`` names a sheet of a workbook; its first one otherwise.

    Raises TableError for a file that cannot be read.
    """
    file = Path(path)
    if file.suffix.lower() == ".xls":
        raise TableError(f"{file.name} is of the old Excel format. Save it as .xlsx or CSV.")
    if file.suffix.lower() in EXCEL_ENDINGS:
        return _read_excel(file, sheet)
    text, encoding = read_text(file)
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=,"):
        delimiter, text, skipped = first.strip()[-1], rest, 1
    else:
        delimiter, skipped = _delimiter(first, file), 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(reader, 1 + skipped)]
    except csv.Error as error:
        raise TableError(f"{file.name} cannot be read as a table: {error}.") from error
    return Sheet([row for row in rows if any(row[1])], f"a table in {encoding}")


def read_text(path: str | Path) -> tuple[str, str]:
    """Return the text of a file, gunzipped if need be, and the name of its encoding; raise TableError."""
    file = Path(path)
    try:
        content = file.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise TableError(f"{file.name} cannot be read: {error}.") from error
    for encoding in ("utf-16",) if content.startswith(UTF_16) else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding), ENCODINGS[encoding]
        except UnicodeDecodeError:
            continue
    raise TableError(f"{file.name} is not a text file in UTF-8, UTF-16 or GB 18030. Save it as UTF-8.")


def plain(text: str) -> str:
    """Return ``text`` with full-width letters and signs, as Chinese keyboards write them, made ordinary."""
    return unicodedata.normalize("NFKC", text).replace("\u200b", "").strip()


def _delimiter(first: str, file: Path) -> str:
    counts = {sign: first.count(sign) for sign in DELIMITERS}
    best = max(counts, key=lambda sign: counts[sign])
    default = "\t" if file.suffix.lower() in {".tsv", ".tab", ".bed"} else ","
    return best if counts[best] else default


def _read_excel(file: Path, sheet: str | None) -> Sheet:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise TableError(f"{file.name} is not an Excel workbook that can be read: {error}.") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            names = ", ".join(book.sheetnames)
            raise TableError(f"{file.name} has no sheet {sheet!r}. It has {names}.")
        chosen = book[sheet] if sheet else book.worksheets[0]
        return Sheet(list(_cells(chosen)), f"Excel, sheet {chosen.title}")
    finally:
        book.close()


def _cells(sheet: Any) -> Iterator[Row]:
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = ["" if cell is None else cell.strip() if isinstance(cell, str) else cell for cell in row]
        if any(cell != "" for cell in cells):
            yield number, cells
