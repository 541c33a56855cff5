"""A file that tells whoever follows a batch how far it is: one line of JSON for each finished row."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from alphagenome_tools.ranking import rank_variants

SHOWN = ("measure", "tissue", "gene", "score", "quantile")


class Follower:
    """Appends to ``path`` what became of each variant; ``rows`` holds the row by which each is known.

    A finished line is ``{"row": 3, "state": "done", "effect": 0.85, "measure": ...}``, where ``effect`` is
    the size of the strongest quantile (or score). A failed one is ``{"row": 4, "state": "failed", "error":
    ...}``. The last line about a row counts. A line that was cut off by a kill is closed, so that it harms
    no other, and rows that are done in the file are not written again.
    """

    def __init__(self, path: str | Path, rows: Mapping[str, int]) -> None:
        self.path, self._rows = Path(path), dict(rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = self.path.read_bytes() if self.path.exists() else b""
        self._done = {line["row"] for line in _lines(content) if line.get("state") == "done"}
        self._needs_newline = bool(content) and not content.endswith(b"\n")

    def __call__(self, variant: str, scores: pd.DataFrame | None, error: str) -> None:
        """Append what became of ``variant``: its scores, or why there are none."""
        row = self._rows.get(variant)
        if row is None or row in self._done:
            return
        if scores is None:
            self._append({"row": row, "state": "failed", "error": error})
            return
        self._done.add(row)
        self._append({"row": row, "state": "done", **strongest(variant, scores)})

    def _append(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
        if self._needs_newline:
            text, self._needs_newline = "\n" + text, False
        with self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())


def strongest(variant: str, scores: pd.DataFrame) -> dict[str, Any]:
    """Return the strongest of a variant's scores as plain values, with ``effect``, by which to rank."""
    ranked = rank_variants(scores.assign(variant=variant).reindex(columns=["variant", *scores.columns]))
    if ranked.empty:
        return {"effect": 0.0}
    best = {name: ranked[name].iloc[0] for name in SHOWN}
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in best.items()}
    known = {name: value for name, value in plain.items() if pd.notna(value) and value != ""}
    return {"effect": abs(known.get("quantile", known.get("score", 0.0))), **known}


def _lines(content: bytes) -> list[dict[str, Any]]:
    found = []
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:  # a line that a kill cut off
            continue
        if isinstance(value, dict) and "row" in value:
            found.append(value)
    return found
