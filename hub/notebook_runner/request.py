"""What the caller asks for, read once from the request file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import RequestError

DEFAULT_OUTPUT_BYTES = 20_000_000


@dataclass(frozen=True)
class Request:
    """One notebook to run.

    ``notebook`` is relative to ``project``; ``result`` is the folder that receives everything the runner
    writes; ``parameters`` override the notebook's own; ``output_bytes`` bounds what the cells may print and
    display; ``facts`` are (name, value) pairs for the end of the report; ``parameter_titles`` name
    parameters in it.
    """

    notebook: str
    project: Path
    result: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    notices: tuple[str, ...] = ()
    output_bytes: int = DEFAULT_OUTPUT_BYTES
    facts: tuple[tuple[str, str], ...] = ()
    parameter_titles: dict[str, str] = field(default_factory=dict)


def read_request(path: Path) -> Request:
    """Return the request in ``path``; raise :class:`RequestError` naming what is wrong with it."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError(f"The request {path} cannot be read as JSON: {error}") from error
    if not isinstance(raw, dict):
        raise RequestError(f"The request {path} is a {type(raw).__name__}; it must be an object.")
    try:
        return parse_request(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"The request {path} is incomplete or wrong at {error}.") from error


def parse_request(raw: dict[str, Any]) -> Request:
    """Return the request in ``raw``; raise KeyError, TypeError or ValueError where it does not fit."""
    report = raw.get("report") or {}
    return Request(
        notebook=str(raw["notebook"]),
        project=Path(raw["project"]),
        result=Path(raw["result"]),
        parameters=dict(raw.get("parameters") or {}),
        title=str(raw.get("title") or ""),
        notices=tuple(str(notice) for notice in raw.get("notices") or ()),
        output_bytes=int((raw.get("limits") or {}).get("output_bytes", DEFAULT_OUTPUT_BYTES)),
        facts=tuple((str(name), str(value)) for name, value in report.get("facts") or ()),
        parameter_titles={str(k): str(v) for k, v in (report.get("parameter_titles") or {}).items()},
    )
