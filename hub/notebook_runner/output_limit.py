"""How much a notebook may print and display, counted as its messages arrive."""

from __future__ import annotations

import json
from typing import Any

# What one stored output costs beside its text, so that endless tiny prints are bounded too.
OVERHEAD_BYTES = 200
LEFT_OUT = "[more output was left out]\n"


class OutputBudget:
    """Counts what the executed notebook keeps; outputs that a cell clears are given back."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.exhausted = False
        self._kept: dict[int, int] = {}

    def take(self, cell: int, size: int) -> int:
        """Count ``size`` bytes for ``cell``; return how many fit, where fewer exhaust the budget."""
        left = max(0, self.limit - sum(self._kept.values()))
        taken = min(size, left)
        self._kept[cell] = self._kept.get(cell, 0) + taken
        self.exhausted = self.exhausted or taken < size
        return taken

    def release(self, cell: int) -> None:
        """Forget what ``cell`` has kept, because it cleared its output."""
        self._kept[cell] = 0

    def message(self) -> str:
        """Return what to tell the reader when the budget is exhausted."""
        return (
            f"The notebook printed or displayed more than {readable(self.limit)} and was stopped. "
            "Print less, or write large tables and pictures to files: those are kept as results."
        )


def size_of(content: dict[str, Any]) -> int:
    """Return the bytes an output message's content takes in the notebook, overhead included."""
    size = OVERHEAD_BYTES
    for value in (content.get("text"), content.get("evalue"), *(content.get("traceback") or ())):
        size += len(str(value or "").encode("utf-8", "replace"))
    for value in (content.get("data") or {}).values():
        text = value if isinstance(value, str) else json.dumps(value)
        size += len(text.encode("utf-8", "replace"))
    return size


def cut(content: dict[str, Any], size: int) -> dict[str, Any] | None:
    """Return printed ``content`` shortened to ``size`` bytes; None for a picture, which has no half."""
    if "text" not in content:
        return None
    return {**content, "text": shortened(str(content["text"]), size)}


def shortened(text: str, size: int) -> str:
    """Return the beginning of ``text`` that fits into ``size`` bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def readable(size: int) -> str:
    """Return a number of bytes in the unit people use: ``20 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
