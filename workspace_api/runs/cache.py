"""The key under which an identical run is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = 1


def cache_key(
    *,
    project: str,
    commit: str,
    notebook: str,
    notebook_sha256: str,
    parameters: Mapping[str, Any],
    environment_key: str,
    backend: str,
    inputs: Sequence[Mapping[str, str]] = (),
) -> str:
    """Return the SHA-256, in hexadecimal, of everything that decides a run's results.

    `parameters` holds every resolved value; `backend` is the model that answers; `inputs` tells
    what is in each file among the values. Written as canonical JSON,
    so that the order in which values were given does not matter.
    """
    deciding = {
        "schema": SCHEMA,
        "project": project,
        "commit": commit,
        "notebook": notebook,
        "notebook_sha256": notebook_sha256,
        "parameters": parameters,
        "environment": environment_key,
        "backend": backend,
        "inputs": [dict(read) for read in inputs],
    }
    canonical = json.dumps(deciding, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
