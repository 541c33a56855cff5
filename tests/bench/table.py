"""One benchmark table: ours beside the peer, as a ratio."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: `ours` and `peer` in `unit`, and the target it is held against, in words."""

    name: str
    ours: float
    unit: str
    target: str
    met: bool
    peer: float | None = None
    peer_name: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        peer = f"{self.peer:.2f} ({self.peer_name})" if self.peer is not None else "–"
        ratio = f"{self.ours / self.peer:.2f}x" if self.peer else "–"
        return (
            self.name,
            f"{self.ours:.2f} {self.unit}",
            peer,
            ratio,
            self.target,
            "yes" if self.met else "NO",
        )


HEAD = ("figure", "ours", "peer", "ratio", "target", "met")


def render(rows: Sequence[Row]) -> str:
    """Lay the rows out as a Markdown table."""
    table = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in table
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the `percent`-th percentile of `values`."""
    return statistics.quantiles(values, n=100)[percent - 1]
