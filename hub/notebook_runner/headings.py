"""Step names: the heading under which each cell of a notebook stands."""

from __future__ import annotations

import re
from typing import Any

MAX_LENGTH = 120
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]|(?<!\w)_|_(?!\w)")


def headings_in(markdown: str) -> list[str]:
    """Return the texts of the ATX headings in ``markdown``, without marks, in order."""
    found, fenced = [], False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _HEADING.match(line)):
            found.append(plain(match.group(1)))
    return [heading for heading in found if heading]


def plain(markdown: str) -> str:
    """Return a heading's text without emphasis, code marks and links, at most :data:`MAX_LENGTH` long."""
    return _MARKS.sub("", _LINK.sub(r"\1", markdown)).strip()[:MAX_LENGTH]


def headings_by_cell(cells: list[Any]) -> list[str]:
    """Return for each cell the nearest heading in or above it, or '' where there is none."""
    current, result = "", []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            current = (headings_in(cell["source"]) or [current])[-1]
        result.append(current)
    return result
