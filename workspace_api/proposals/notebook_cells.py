"""How two notebooks of the forge differ, as people read notebooks: cell by cell, with pictures."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workspace_api.proposals.views import CellChange
from workspace_api.worksheets.parameters import NotebookError, read_notebook

MOST_CELLS = 1_000
MOST_SHOWN = 300
LONGEST_CELL = 10_000
LONGEST_PICTURE = 60_000
MOST_PICTURES = 2
PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/=]*")


@dataclass(frozen=True)
class Cell:
    """What is compared of a cell, which is number `number` of its notebook."""

    number: int
    kind: str
    source: str
    outputs: Sequence[Any]

    @property
    def text(self) -> tuple[str, str]:
        """What makes two cells the same."""
        return self.kind, self.source


NO_CELL = Cell(0, "", "", ())


def changed_cells(before: bytes, after: bytes) -> list[CellChange] | None:
    """Return the cells that differ, in order; empty text is no notebook yet, or no more.

    None where one is no notebook, or has too many cells to compare here: nothing of it is run, but it is
    somebody else's. Cells are the same whose text is; those between them are compared one after the other.
    """
    try:
        old, new = _cells(before), _cells(after)
    except NotebookError:
        return None
    if max(len(old), len(new)) > MOST_CELLS:
        return None
    return list(_differences(old, new))[:MOST_SHOWN]


def _differences(old: Sequence[Cell], new: Sequence[Cell]) -> Iterator[CellChange]:
    matcher = difflib.SequenceMatcher(None, [each.text for each in old], [each.text for each in new])
    for tag, begin, end, new_begin, new_end in matcher.get_opcodes():
        ours, theirs = old[begin:end], new[new_begin:new_end]
        pairs = list(zip(ours, theirs, strict=False))
        if tag == "equal":
            yield from (_change("changed", *pair) for pair in pairs if pair[0].outputs != pair[1].outputs)
            continue
        for one, other in pairs:
            if one.kind == other.kind:
                yield _change("changed", one, other)
            else:
                yield _change("removed", one, NO_CELL)
                yield _change("added", NO_CELL, other)
        yield from (_change("removed", each, NO_CELL) for each in ours[len(pairs) :])
        yield from (_change("added", NO_CELL, each) for each in theirs[len(pairs) :])


def _change(kind: Literal["added", "removed", "changed"], old: Cell, new: Cell) -> CellChange:
    shown = old if kind == "removed" else new
    lines = old.source.splitlines(), new.source.splitlines()
    difference = list(difflib.unified_diff(*lines, n=2, lineterm=""))[2:]
    changed = old.outputs != new.outputs
    return CellChange(
        kind=kind,
        cell=shown.kind,
        number=shown.number,
        lines="\n".join(difference)[:LONGEST_CELL].splitlines(),
        outputs=_words(len(old.outputs), len(new.outputs)) if changed else "",
        pictures_before=_pictures(old.outputs) if changed else [],
        pictures_after=_pictures(new.outputs) if changed else [],
    )


def _words(before: int, after: int) -> str:
    if not before:
        return "outputs are new"
    return "outputs changed" if after else "outputs were removed"


def _pictures(outputs: Sequence[Any]) -> list[str]:
    """Return the PNG pictures among outputs as base64, those of a modest size."""
    data = [each.get("data") for each in outputs if isinstance(each, dict)]
    found = [_joined(each.get("image/png", "")).replace("\n", "") for each in data if isinstance(each, dict)]
    fitting = (text for text in found if len(text) < LONGEST_PICTURE and PNG.fullmatch(text))
    return list(fitting)[:MOST_PICTURES]


def _cells(text: bytes) -> list[Cell]:
    cells = read_notebook(text)["cells"] if text else []
    return [_cell(number, each) for number, each in enumerate(cells, 1) if isinstance(each, dict)]


def _cell(number: int, cell: Mapping[str, Any]) -> Cell:
    outputs = cell.get("outputs")
    kind = str(cell.get("cell_type", "cell"))[:40]
    return Cell(number, kind, _joined(cell.get("source", "")), outputs if isinstance(outputs, list) else ())


def _joined(text: Any) -> str:
    """Return a text of a notebook, which may be kept as a list of its lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
