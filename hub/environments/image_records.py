"""What is known of each image that was built for an environment: a file beside others, named by its key."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any


def record_path(folder: Path, image: str) -> Path:
    """Return where in `folder` the record of an environment lies; named by its key, or as its image is."""
    return folder / f"{image.rpartition(':')[2]}.json"


def read_record(folder: Path, image: str) -> Any:
    """Return the record of an environment; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(record_path(folder, image).read_text(encoding="utf-8"))
    return None
