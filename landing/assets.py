"""Style sheet, scripts and pictures of the pages: held in memory, addressed by what is in them."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
VENDORED = {"htmx.js": "htmx.org/dist/htmx.min.js", "igv.js": "igv/dist/igv.esm.min.js"}
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPRESSED = frozenset({".css", ".js", ".svg"})


@dataclass(frozen=True)
class Asset:
    """One file: its bytes, type and digest, and whether compressing it gains something."""

    body: bytes
    media_type: str
    digest: str
    compressible: bool

    @cached_property
    def zipped(self) -> bytes:
        """The bytes, compressed at the first request: not every process is asked for every file."""
        return gzip.compress(self.body, mtime=0)


class Assets:
    """Every file that pages load from `/static`: ours, and htmx and igv.js from installed packages."""

    def __init__(self, node_modules: Path) -> None:
        files = {path.name: path for path in sorted(STATIC.iterdir()) if path.is_file()}
        vendored = {f"vendor/{name}": node_modules / path for name, path in VENDORED.items()}
        self._assets: Mapping[str, Asset] = {
            name: _load(path) for name, path in {**files, **vendored}.items()
        }

    def url(self, name: str) -> str:
        """Return the address of a file; it changes with what is in the file."""
        return f"/static/{name}?v={self._assets[name].digest}"

    def answer(self, request: Request, name: str) -> Response:
        """Answer a request for a file: for ever where its address names this very content."""
        asset = self._assets.get(name)
        if asset is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        etag = f'"{asset.digest}"'
        fixed = request.query_params.get("v") == asset.digest
        headers = {
            "ETag": etag,
            "Cache-Control": FOREVER if fixed else ASK_AGAIN,
            "Vary": "Accept-Encoding",
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = asset.body
        if asset.compressible and "gzip" in request.headers.get("accept-encoding", ""):
            body = asset.zipped
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=asset.media_type)


def _load(path: Path) -> Asset:
    """Read a file; one that is missing stops the start, with its name."""
    body = path.read_bytes()
    known = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
    return Asset(
        body=body,
        media_type=known or "application/octet-stream",
        digest=hashlib.sha256(body).hexdigest()[:16],
        compressible=path.suffix in COMPRESSED,
    )
