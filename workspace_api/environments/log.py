"""Reading a build's log while it grows."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 1_000_000
TAIL_BYTES = 16_000


def read_log(path: Path, offset: int) -> tuple[str, int]:
    """Return what the log holds from byte `offset`, at most a megabyte, and the byte to go on from.

    A log that is not there, or was begun anew since, reads as empty; a character cut in two at the end is
    left for the next reading.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(MOST_BYTES)
    except FileNotFoundError:
        return "", offset
    whole = data[: len(data) - _cut_off(data)]
    return whole.decode("utf-8", "replace"), offset + len(whole)


def tail(path: Path) -> str:
    """Return the last whole lines of the log, about 16 kB."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            data = file.read()
    except FileNotFoundError:
        return ""
    text = data.decode("utf-8", "replace")
    return text.partition("\n")[2] if size > TAIL_BYTES else text


def _cut_off(data: bytes) -> int:
    """Return how many bytes at the end begin a UTF-8 character without finishing it."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if length > back else 0
    return 0
