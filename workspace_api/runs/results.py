"""Where a run's results lie, and reading them back out of a home that its owner may have changed."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nfs import beneath
from nfs.beneath import Entry, UnsafePathError
from nfs.layout import StorageLayout
from workspace_api.errors import NotFoundError
from workspace_api.runs.views import OpenFile, RunFile

NOTEBOOK = "notebook.ipynb"
REPORT = "report.html"
LOG = "log.txt"
CRATE = "ro-crate-metadata.json"
RUNS = "runs"
MOST_FILES = 5_000
MOST_NOTEBOOK_BYTES = 100_000_000
MOST_PICTURE_BYTES = 10_000_000
PNG = b"\x89PNG\r\n\x1a\n"
CHUNK = 1 << 18
SHOWN_AS_TEXT = frozenset(
    {".csv", ".tsv", ".txt", ".log", ".md", ".py", ".r", ".yaml", ".yml", ".bed", ".vcf"}
)
SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "application/pdf"}
)


def media_type(path: str) -> str:
    """Return the type a browser is told: nothing that it would execute, and bytes where unsure."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a name, not a file of ours
    if suffix in SHOWN_AS_TEXT:
        return "text/plain; charset=utf-8"
    if suffix == ".ipynb":
        return "application/json"
    guessed = mimetypes.guess_type(path)[0]
    return guessed if guessed in SHOWN else "application/octet-stream"


class Results:
    """The folders `runs/<id>` of all homes."""

    def __init__(self, layout: StorageLayout) -> None:
        self._layout = layout

    @contextmanager
    def folder(self, owner: str, run_id: str) -> Iterator[int]:
        """Open the results of a run; raises NotFoundError where there are none (any more)."""
        try:
            with beneath.folder(self._layout.home(owner), RUNS, run_id) as at:
                yield at
        except FileNotFoundError as error:
            raise _missing(run_id) from error
        except UnsafePathError as error:
            raise _missing(run_id) from error

    def exist(self, owner: str, run_id: str) -> bool:
        """Whether a run's results are still there, as far as its report tells."""
        try:
            with self.folder(owner, run_id) as at:
                os.close(beneath.open_plain(at, REPORT))
        except NotFoundError:
            return False
        return True

    def files(self, owner: str, run_id: str) -> list[RunFile]:
        """Return the files of a run's results, by name."""
        with self.folder(owner, run_id) as at:
            return [_run_file(entry) for entry in beneath.walk(at, most=MOST_FILES)]

    def open(self, owner: str, run_id: str, path: str) -> OpenFile:
        """Open one file; raises NotFoundError for what is no plain file below the run's folder."""
        with self.folder(owner, run_id) as at:
            try:
                descriptor = beneath.open_plain(at, path)
            except (FileNotFoundError, UnsafePathError) as error:
                raise NotFoundError(f"The run {run_id[:6]} has no file “{path[:200]}”.") from error
        return OpenFile(descriptor, path, os.fstat(descriptor).st_size, media_type(path))

    def log(self, owner: str, run_id: str, offset: int, most: int) -> bytes:
        """Return a piece of the log of a run that has ended."""
        with os.fdopen(self.open(owner, run_id, LOG).fd, "rb") as file:
            file.seek(offset)
            return file.read(most)

    def picture(self, owner: str, run_id: str) -> bytes | None:
        """Return the first PNG that the executed notebook shows, or None."""
        with os.fdopen(self.open(owner, run_id, NOTEBOOK).fd, "rb") as file:
            text = file.read(MOST_NOTEBOOK_BYTES + 1)
        if len(text) > MOST_NOTEBOOK_BYTES:
            return None
        try:
            notebook = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return next((png for png in _pictures(notebook) if png.startswith(PNG)), None)

    def archive(self, owner: str, run_id: str) -> Iterator[bytes]:
        """Yield the run's results as a zip file, piece by piece."""
        with self.folder(owner, run_id) as at:
            sink = _Sink()
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
                for entry in beneath.walk(at, most=MOST_FILES):
                    yield from _add(archive, sink, at, entry)
            yield sink.take()


class _Sink:
    """Takes what the zip writer writes, until it is taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Keep `data`."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is to be closed."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def _add(archive: zipfile.ZipFile, sink: _Sink, at: int, entry: Entry) -> Iterator[bytes]:
    try:
        descriptor = beneath.open_plain(at, entry.path)
    except (FileNotFoundError, UnsafePathError):
        return  # it was replaced since the folder was listed
    with os.fdopen(descriptor, "rb") as file, archive.open(entry.path, "w", force_zip64=True) as member:
        while chunk := file.read(CHUNK):
            member.write(chunk)
            yield sink.take()


def _pictures(notebook: Any) -> Iterator[bytes]:
    """Yield what claims to be a PNG in a notebook that anybody may have written."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            encoded = data.get("image/png") if isinstance(data, dict) else None
            text = "".join(map(str, encoded)) if isinstance(encoded, list) else encoded
            if isinstance(text, str) and len(text) < MOST_PICTURE_BYTES:
                yield _decoded(text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _run_file(entry: Entry) -> RunFile:
    return RunFile(entry.path, entry.size, media_type(entry.path))


def _missing(run_id: str) -> NotFoundError:
    return NotFoundError(f"The run {run_id[:6]} has no results here (any more).")
