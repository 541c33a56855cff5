"""The documentation names every route there is, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

DOCS = Path(__file__).resolve().parents[2] / "docs"


def calls_of(app) -> set[str]:
    """Return every call of the application, such as `GET /health`."""
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or ())
        if method != "HEAD"
    }


def test_every_route_is_documented_and_every_documented_route_is_there(app):
    documented = set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", (DOCS / "api.md").read_text(), re.MULTILINE))

    assert calls_of(app) - documented == set()
    assert documented - calls_of(app) == set()
