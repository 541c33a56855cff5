"""How notebooks differ, by the environment's own nbdime: it runs apart, this program has no packages."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SECONDS = 120
PROGRAM = Path(__file__).with_name("nbdime_cells.py")


def notebook_changes(notebooks: Mapping[str, tuple[bytes, bytes]]) -> dict[str, list[dict[str, Any]]]:
    """Return the cells that differ, by path; a notebook that nbdime cannot compare is not in it."""
    python = shutil.which("python")
    if not notebooks or python is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.json"
        texts = {path: [text.decode("utf-8", "replace") for text in pair] for path, pair in notebooks.items()}
        asked.write_text(json.dumps(texts), encoding="utf-8")
        done = subprocess.run(
            [python, "-I", str(PROGRAM), str(asked)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode != 0:  # an environment without nbdime: the notebooks are compared as text
        return {}
    answer: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return answer
