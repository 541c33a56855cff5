"""Reads what one commit of a repository holds: its manifest, worksheets, README and environment files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hub.environments.keys import environment_files
from workspace_api.batches.declaration import KEY as BATCH
from workspace_api.errors import TooLargeError
from workspace_api.worksheets.manifest import NAME as MANIFEST
from workspace_api.worksheets.manifest import Manifest, WorksheetEntry, read_manifest
from workspace_api.worksheets.parameters import (
    MAX_NOTEBOOK_BYTES,
    NotebookError,
    Parameter,
    inspected_parameters,
    language_of,
    parameters_cell,
    python_parameters,
    read_notebook,
)
from workspace_api.worksheets.plain import plain
from workspace_api.worksheets.schema import worksheet_schema

Read = Callable[[str, int], bytes]

MAX_NOTEBOOKS = 200
MAX_TEXT_BYTES = 1_000_000
READMES = ("README.md", "readme.md", "README", "README.txt", "README.rst")
NO_AREA = "Other"
MAX_LEFT_OUT = 20
SUBMODULES = ".gitmodules"
SUBMODULE_PATH = re.compile(r"^\s*path\s*=\s*(\S.*?)\s*$", re.MULTILINE)
SUBMODULE_URL = re.compile(r"^\s*url\s*=\s*(\S.*?)\s*$", re.MULTILINE)
LFS = re.compile(r"^[^#\n]*\bfilter=lfs\b", re.MULTILINE)


@dataclass(frozen=True)
class WorksheetFound:
    """A notebook that takes parameters."""

    notebook: str
    title: str
    summary: str
    schema: Mapping[str, Any]
    sha256: str


@dataclass
class Contents:
    """What a commit holds, as far as a workspace is concerned."""

    title: str = ""
    summary: str = ""
    area: str = NO_AREA
    readme: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, bytes] = field(default_factory=dict)
    worksheets: list[WorksheetFound] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_contents(name: str, paths: Sequence[str], read: Read, *, links: Sequence[str] = ()) -> Contents:
    """Read a commit with the files `paths`; `read(path, max_bytes)` gives a file or raises TooLargeError.

    Symbolic `links` are never followed; one in the place of an environment file is a problem. What cannot be
    used is listed in `problems`; only a forge that does not answer raises.
    """
    notebooks = notebooks_among(paths)
    manifest = _manifest(paths, notebooks, read)
    contents = Contents(
        title=manifest.title or name,
        summary=manifest.summary or "",
        area=manifest.area or NO_AREA,
        readme=_readme(paths, read),
        resources=manifest.resources,
        problems=manifest.problems,
    )
    contents.problems += _left_out(paths, read)
    contents.environment = _environment(paths, links, read, contents.problems)
    listed = {entry.notebook: entry for entry in manifest.worksheets}
    order = [*listed, *sorted(path for path in notebooks if path not in listed)]
    if len(order) > MAX_NOTEBOOKS:
        contents.problems.append(f"Only the first {MAX_NOTEBOOKS} notebooks are looked at.")
    for notebook in order[:MAX_NOTEBOOKS]:
        found = _worksheet(notebook, listed.get(notebook), read, contents.problems)
        if found is not None:
            contents.worksheets.append(found)
    return contents


def notebooks_among(paths: Sequence[str]) -> list[str]:
    """Return those of the files that are notebooks; what JupyterLab keeps beside them is none."""
    return [path for path in paths if path.endswith(".ipynb") and ".ipynb_checkpoints/" not in path]


def _left_out(paths: Sequence[str], read: Read) -> list[str]:
    """Say which files a commit only refers to: submodules, and what Git LFS keeps; neither is fetched."""
    told = []
    modules = _text(SUBMODULES, paths, read)
    urls = SUBMODULE_URL.findall(modules)
    for folder, url in zip(SUBMODULE_PATH.findall(modules), urls, strict=False):
        told.append(
            f"The folder {folder[:200]} is empty: it stands for another repository, {url[:200]}, which is "
            "not fetched with this one (a submodule)."
        )
    if LFS.search(_text(".gitattributes", paths, read)):
        told.append(
            "Some files are kept with Git LFS and are not fetched: in their place are short texts that name "
            "them."
        )
    return told[:MAX_LEFT_OUT]


def _text(name: str, paths: Sequence[str], read: Read) -> str:
    try:
        return str(plain(read(name, MAX_TEXT_BYTES).decode("utf-8", "replace"))) if name in paths else ""
    except TooLargeError:
        return ""


def _manifest(paths: Sequence[str], notebooks: Sequence[str], read: Read) -> Manifest:
    if MANIFEST not in paths:
        return Manifest()
    try:
        return read_manifest(read(MANIFEST, MAX_TEXT_BYTES), notebooks)
    except TooLargeError as error:
        return Manifest(problems=[str(error)])


def _worksheet(
    path: str, entry: WorksheetEntry | None, read: Read, problems: list[str]
) -> WorksheetFound | None:
    try:
        text = read(path, MAX_NOTEBOOK_BYTES)
        notebook = read_notebook(text)
        parameters = _parameters(notebook)
    except (NotebookError, TooLargeError) as error:
        problems.append(f"{path}: {error}")
        return None
    if parameters is None:
        if entry is not None:
            problems.append(f"{path} is listed as a worksheet, but no cell of it is tagged “parameters”.")
        return None
    schema, lost = worksheet_schema(parameters, entry.parameters if entry else {})
    problems += [f"{MANIFEST}: {path} has no parameter “{name[:80]}”." for name in lost]
    if entry is not None and entry.batch is not None and not {*lost} & {*entry.batch.values()}:
        schema[BATCH] = dict(entry.batch)
    title = (entry.title if entry else None) or _first_heading(notebook) or PurePosixPath(path).stem
    summary = (entry.summary if entry else None) or ""
    return WorksheetFound(path, title, summary, schema, hashlib.sha256(text).hexdigest())


def _parameters(notebook: Mapping[str, Any]) -> list[Parameter] | None:
    source = parameters_cell(notebook)
    if source is None:
        return None
    if language_of(notebook) == "python":
        return python_parameters(source)
    return inspected_parameters(source, language_of(notebook))


def _first_heading(notebook: Mapping[str, Any]) -> str | None:
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            source = cell.get("source", "")
            for line in ("".join(map(str, source)) if isinstance(source, list) else str(source)).splitlines():
                if line.startswith("#"):
                    return str(plain(line.lstrip("#").strip()[:200]))
    return None


def _readme(paths: Sequence[str], read: Read) -> str:
    name = next((candidate for candidate in READMES if candidate in paths), None)
    if name is None:
        return ""
    try:
        return str(plain(read(name, MAX_TEXT_BYTES).decode("utf-8", "replace")))
    except TooLargeError:
        return "The README is too large to be shown."


def _environment(
    paths: Sequence[str], links: Sequence[str], read: Read, problems: list[str]
) -> dict[str, bytes]:
    try:
        names = environment_files([*paths, *links])
    except ValueError as error:
        problems.append(str(error))
        return {}
    files = {}
    for name in names:
        if name in links:
            problems.append(f"{name} is a link, and left out of the environment. Put the file itself there.")
            continue
        try:
            files[name] = read(name, MAX_TEXT_BYTES)
        except TooLargeError as error:
            problems.append(f"{name} is left out of the environment: {error}")
    return files
