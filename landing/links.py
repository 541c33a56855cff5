"""Links that open a repository in this workspace, for READMEs and messages."""

from __future__ import annotations

from urllib.parse import urlencode


def link_to(public_url: str, repository: str, ref: str = "", path: str = "") -> str:
    """Return the address that opens a repository in this workspace, at `ref` and the file `path`."""
    asked = {"repo": repository, "ref": ref, "path": path}
    return f"{public_url}/open?{urlencode({key: value for key, value in asked.items() if value}, safe=':/')}"
