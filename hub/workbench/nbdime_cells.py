"""Compares notebooks with nbdime and writes the cells that differ; run by a project's own Python.

`nbdime_cells.py FILE`, a JSON object of pairs of notebooks by their paths. Pictures are PNG in base64; other
outputs are never passed on, they are somebody's HTML.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbdime import diff_notebooks, patch

MOST_CELLS = 300
LONGEST_CELL = 10_000
LONGEST_PICTURE = 60_000
MOST_PICTURES = 2
EMPTY = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def main() -> None:
    """Compare, and write the answer to standard output; a pair that are no notebooks is left out."""
    found = {}
    for path, (before, after) in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).items():
        try:
            read: Any = nbformat.reads
            old, new = (read(text or EMPTY, as_version=4) for text in (before, after))
            changed = changed_cells(old, new)
            shown = changed if before and after else (cell for cell in changed if cell["number"] is not None)
            found[path] = list(shown)[:MOST_CELLS]  # a notebook that is new, or gone, has no changed settings
        except Exception as error:  # noqa: BLE001 - whatever a strange notebook makes nbdime raise
            sys.stderr.write(f"{path!r}: {error}\n")
    json.dump(found, sys.stdout)


def changed_cells(old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """Give each cell that was added, removed or changed, in order, and the metadata if they differ.

    A cell has the number it has in the new notebook; one that was removed, the number it had in the old one.
    """
    for operation in diff_notebooks(old, new):
        if operation.key != "cells":
            yield {"kind": "changed", "cell": "metadata", "number": None, "lines": []}
            continue
        more = 0  # cells that the new notebook has before this place, and the old one has not
        for part in operation.diff:
            if part.op == "addrange":
                for number, cell in enumerate(part.valuelist, part.key + more + 1):
                    yield _cell("added", number, None, cell)
                more += len(part.valuelist)
            elif part.op == "removerange":
                for number, cell in enumerate(old.cells[part.key : part.key + part.length], part.key + 1):
                    yield _cell("removed", number, cell, None)
                more -= part.length
            else:
                patched = patch(old.cells[part.key], part.diff)
                yield _cell("changed", part.key + more + 1, old.cells[part.key], patched)


def _cell(kind: str, number: int, old: Any, new: Any) -> dict[str, Any]:
    before, after = ((cell.source if cell else "").splitlines() for cell in (old, new))
    text = list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:]
    described: dict[str, Any] = {
        "kind": kind,
        "cell": (new or old).cell_type,
        "number": number,
        "lines": "\n".join(text)[:LONGEST_CELL].splitlines(),
    }
    outputs = [(cell.get("outputs") or []) if cell else [] for cell in (old, new)]
    if outputs[0] != outputs[1]:
        described["outputs"] = _words([len(each) for each in outputs])
        described["pictures_before"], described["pictures_after"] = map(_pictures, outputs)
    return described


def _words(counts: list[int]) -> str:
    if not counts[0]:
        return "outputs are new"
    return "outputs changed" if counts[1] else "outputs were removed"


def _pictures(outputs: list[Any]) -> list[str]:
    """Return the PNG pictures among outputs as base64, those of a modest size."""
    found = [str(output.get("data", {}).get("image/png", "")).replace("\n", "") for output in outputs]
    return [text for text in found if text.startswith("iVBORw0KGgo") and len(text) < LONGEST_PICTURE][
        :MOST_PICTURES
    ]


if __name__ == "__main__":
    main()
