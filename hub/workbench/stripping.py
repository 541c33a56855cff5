"""A notebook without what was computed: as a function, and as a filter of git, which runs this file.

For projects that keep no outputs in their versions. Git finds it as `FILTER` in the settings that every
sandbox has; it changes what is committed and compared, never the file itself.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FILTER = "labfork-outputs"


def without_outputs(text: bytes) -> bytes:
    """Return a notebook without outputs and execution counts; what is no notebook comes back as it is."""
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        stripped = [_strip(cell) for cell in cells]
        stripped.append(notebook["metadata"].pop("widgets", None) is not None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode() if any(stripped) else text


def _strip(cell: dict[str, Any]) -> bool:
    """Take out of a cell what was computed; return whether anything was."""
    timed = cell["metadata"].pop("execution", None) is not None
    had = bool(cell["outputs"]) or cell["execution_count"] is not None or timed
    cell["outputs"], cell["execution_count"] = [], None
    return had


if __name__ == "__main__":
    sys.stdout.buffer.write(without_outputs(sys.stdin.buffer.read()))
