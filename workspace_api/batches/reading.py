"""The lines of an uploaded table, whatever program wrote it: packed or not, in any usual encoding."""

from __future__ import annotations

import codecs
import csv
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

GZIP, OLD_EXCEL = b"\x1f\x8b", b"\xd0\xcf\x11\xe0"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DELIMITERS = "\t;,|"
MOST_BYTES = 100_000_000
MOST_LINES = 200_000  # of what is no text
MOST_COLUMNS = 256  # likewise
Line = tuple[int, list[str]]


class TableError(ValueError):
    """A table cannot be read at all; the message says why and what to do."""


@dataclass(frozen=True)
class Table:
    """The text of a table; `vcf` where it is one, else `delimiter` is between its cells."""

    text: str
    vcf: bool
    delimiter: str
    skipped: int = 0

    def lines(self) -> Iterator[Line]:
        """Yield (line number, cells) of each line that has anything; raises TableError."""
        if self.vcf:
            for number, line in enumerate(self.text.splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    yield number, line.split("\t")
            return
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield reader.line_num + self.skipped, cells
        except csv.Error as error:
            at = reader.line_num + self.skipped
            raise TableError(f"Line {at} cannot be read: {error}. Save the table as CSV again.") from None


def read_table(data: bytes) -> Table:
    """Return an uploaded table as text, unpacked; raises TableError for what is none."""
    if data.startswith(OLD_EXCEL):
        raise TableError(
            "This is a workbook of an old Excel, or one with a password. In Excel choose File, Save as, "
            "“Excel workbook (.xlsx)” without a password, and upload that."
        )
    text = _decoded(_unpacked(data) if data.startswith(GZIP) else data)
    if not text.strip():
        raise TableError("The table is empty. Upload one with a header and a variant on each line.")
    if text.startswith(("##fileformat=VCF", "#CHROM\t")):
        return Table(text, vcf=True, delimiter="\t")
    first, _, rest = text.partition("\n")
    said = first.strip().lower()
    if said.startswith("sep=") and len(said) == len("sep=,"):  # Excel's own way to name the delimiter
        return Table(rest, vcf=False, delimiter=said[-1], skipped=1)
    return Table(text, vcf=False, delimiter=max(DELIMITERS, key=first.count))


def _unpacked(data: bytes) -> bytes:
    """Return a gzip file unpacked, also one of several members, as bgzip writes it."""
    out, rest = bytearray(), data
    try:
        while rest.startswith(GZIP):
            unpacker = zlib.decompressobj(wbits=31)
            out += unpacker.decompress(rest, MOST_BYTES + 1 - len(out))
            if len(out) > MOST_BYTES or unpacker.unconsumed_tail:
                raise TableError(
                    f"Unpacked the table has more than {MOST_BYTES / 1e6:.0f} MB. Upload the columns that "
                    "are needed, in parts."
                )
            if not unpacker.eof:
                raise TableError("The packed file ends early. Upload it again.")
            rest = unpacker.unused_data
    except zlib.error:
        raise TableError("The packed file is damaged. Pack it again with gzip or bgzip.") from None
    return bytes(out)


def _decoded(data: bytes) -> str:
    if data.startswith(UTF_16):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:4096]:
        raise TableError("This is no text. Upload an Excel, CSV, TSV or VCF file.")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
