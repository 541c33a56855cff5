"""Files of a run as HTTP answers: whatever they hold, a browser executes nothing of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from workspace_api.errors import NotFoundError
from workspace_api.runs.views import OpenFile

CHUNK = 1 << 18
# The report's own style sheet and pictures stand in it; it may load nothing, and run nothing.
REPORT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "frame-ancestors 'self'"
)
FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def report(file: OpenFile) -> Response:
    """Answer with a run's report, to be shown in a frame of one of our pages."""
    headers = {**_headers(REPORT_POLICY), "Content-Length": str(file.size)}
    return StreamingResponse(
        _piece(os.fdopen(file.fd, "rb"), 0, file.size), headers=headers, media_type="text/html; charset=utf-8"
    )


def plain(file: OpenFile, wanted: str | None = None, *, attach: bool | None = None) -> Response:
    """Answer with a file, or the part of it that the header Range asks for.

    What a browser cannot show safely is offered for saving, as is everything when `attach` is true.
    """
    name = file.path.rpartition("/")[2]
    attach = file.media_type == "application/octet-stream" if attach is None else attach
    headers = {
        **_headers(FILE_POLICY),
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"{'attachment' if attach else 'inline'}; filename*=UTF-8''{quote(name)}",
    }
    try:
        first, last = span(wanted, file.size)
    except ValueError:
        file.close()
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    status = 200
    if (first, last) != (0, file.size - 1):
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    headers["Content-Length"] = str(last - first + 1)
    pieces = _piece(os.fdopen(file.fd, "rb"), first, last - first + 1)
    return StreamingResponse(pieces, status, headers, file.media_type)


def picture(png: bytes | None) -> Response:
    """Answer with a picture; raises NotFoundError where there is none."""
    if png is None:
        raise NotFoundError("This run shows no picture.")
    return Response(png, headers=_headers(FILE_POLICY), media_type="image/png")


def span(wanted: str | None, size: int) -> tuple[int, int]:
    """Return the first and last byte that a Range header asks for (RFC 9110, 14.2), of `size`.

    A header that asks for several parts, or cannot be read, is answered with everything. Raises ValueError
    where it asks for what lies beyond the end.
    """
    asked = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if asked is None or asked.group(0) == "bytes=-":
        return 0, size - 1
    first, last = asked.groups()
    if not first:
        if int(last) == 0:
            raise ValueError("no bytes are asked for")
        return max(0, size - int(last)), size - 1
    begin, end = int(first), min(int(last), size - 1) if last else size - 1
    if begin >= size:
        raise ValueError(f"byte {begin} lies beyond the end at {size}")
    return (0, size - 1) if end < begin else (begin, end)


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }


def _piece(file: BinaryIO, first: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
