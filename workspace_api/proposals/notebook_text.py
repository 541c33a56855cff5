"""How two notebooks differ, as people read notebooks: cell by cell, without the JSON around them."""

from __future__ import annotations

import difflib

from workspace_api.worksheets.parameters import NotebookError, read_notebook


def notebook_difference(before: bytes, after: bytes) -> str | None:
    """Return the difference of two notebooks' cells as unified diff hunks; None where one is no notebook."""
    try:
        old, new = _lines(before), _lines(after)
    except NotebookError:
        return None
    hunks = list(difflib.unified_diff(old, new, n=2, lineterm=""))[2:]
    return "\n".join(hunks) or "Only outputs or metadata changed."


def _lines(text: bytes) -> list[str]:
    if not text:
        return []
    lines = []
    for cell in read_notebook(text)["cells"]:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", "")
        joined = "".join(map(str, source)) if isinstance(source, list) else str(source)
        lines += [f"[{cell.get('cell_type', 'cell')}]", *joined.splitlines(), ""]
    return lines
