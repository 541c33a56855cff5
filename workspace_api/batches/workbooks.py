"""The lines of an uploaded Excel workbook; nothing in it is executed, and no link is followed."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from hub.processes import CommandError, run
from workspace_api.batches import sheets
from workspace_api.batches.reading import MOST_BYTES, Line, TableError
from workspace_api.batches.sheets import SAVE_AGAIN

MOST_PARTS = 2_000  # files in the archive that a workbook is
MEMORY_BYTES = 1_500_000_000
SECONDS = 90  # of a processor
TOO_MUCH = f"The workbook takes too much room or time to read. Keep the sheet that is needed. {SAVE_AGAIN}"


@dataclass(frozen=True)
class Workbook:
    """The first sheet that is shown of an .xlsx file; of formulas the values that Excel kept.

    Reading it takes at most `memory_bytes` and `seconds` of a processor.
    """

    data: bytes
    memory_bytes: int = MEMORY_BYTES
    seconds: int = SECONDS
    vcf = False

    def lines(self) -> Iterator[Line]:
        """Yield (row of the sheet, cells) of each row that has anything, as wide as the first of them.

        Raises TableError.
        """
        reader = [sys.executable, "-m", sheets.__name__, str(self.memory_bytes), str(self.seconds)]
        try:
            written = run(reader, timeout=2 * self.seconds, stdin=self.data, output_bytes=MOST_BYTES).stdout
        except CommandError as error:
            raise TableError(TOO_MUCH) from error
        if not written.endswith("\n"):  # it was cut
            raise TableError(TOO_MUCH)
        *lines, last = written.removesuffix("\n").split("\n")
        if (words := json.loads(last)) is not sheets.END:
            raise TableError(words)
        yield from ((number, cells) for number, cells in map(json.loads, lines))


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
