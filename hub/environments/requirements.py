"""Reads requirement lines without trusting them: packages with versions pass, nothing that reaches out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

INCLUDE = re.compile(r"(?:-r|--requirement)[ =]+(\S+)$")
COMMENT = re.compile(r"(^|\s)#.*$")
CREDENTIALS = re.compile(r"(//)[^/@\s]*@")
MOST = 2_000


@dataclass(frozen=True)
class Line:
    """One requirement: where it stands, its text, and the package's name in its standard form."""

    file: str
    number: int
    text: str
    name: str


class BuildFailed(Exception):  # noqa: N818 - the name of the event, as people say it
    """An environment that cannot be built; `line` and `file` say what in the repository is at fault."""

    def __init__(self, message: str, *, file: str = "", line: int | None = None, text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.text = text


def read_requirements(files: Mapping[str, str]) -> list[Line]:
    """Return the requirements of `files` (path to text), from `requirements.txt` or `pyproject.toml`.

    Raises BuildFailed, naming file and line, for a line that is not a package's name with versions.
    """
    listed = _find(files, "requirements.txt")
    if listed is not None:
        return _read(files, listed, set())
    declared = _find(files, "pyproject.toml")
    return _from_pyproject(declared, files[declared]) if declared is not None else []


def line_of(lines: list[Line], words: str) -> Line | None:
    """Return the requirement that a resolver's `words` speak of first, or None."""
    places = []
    for line in lines:
        found = re.search(rf"(?<![\w.-]){re.escape(line.name)}(?![\w-])", words.lower().replace("_", "-"))
        if found:
            places.append((found.start(), line))
    return min(places, key=lambda place: place[0])[1] if places else None


def _find(files: Mapping[str, str], name: str) -> str | None:
    return next((path for path in sorted(files) if PurePosixPath(path).name == name), None)


def _read(files: Mapping[str, str], path: str, seen: set[str]) -> list[Line]:
    """Return the requirements of `path` and of what it includes; each file counts once."""
    seen.add(path)
    lines: list[Line] = []
    for number, raw in enumerate(files[path].splitlines(), start=1):
        text = COMMENT.sub("", raw).strip()
        if not text:
            continue
        if (include := INCLUDE.match(text)) is not None:
            target = str(PurePosixPath(path).parent / include[1])
            if target not in files:
                raise _failed(path, number, text, "includes a file that is not beside it. Put it there.")
            if target not in seen:
                lines += _read(files, target, seen)
        else:
            lines.append(_requirement(path, number, text))
        if len(lines) > MOST:
            raise _failed(path, number, text, f"is one too many: {MOST} packages are the most. Name fewer.")
    return lines


def _requirement(path: str, number: int, text: str) -> Line:
    if text.startswith("-"):
        raise _failed(path, number, text, "is an option, which is not allowed here. Name the package alone.")
    if "$" in text:
        raise _failed(path, number, text, "has a $, which would be replaced. Write the text itself.")
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise _failed(
            path, number, text, "is not a package with versions. Write it like numpy==2.1.0 or pandas>=2."
        ) from None
    if requirement.url:
        raise _failed(path, number, text, "names an address. Name a package of the index instead.")
    return Line(path, number, text, canonicalize_name(requirement.name))


def _from_pyproject(path: str, text: str) -> list[Line]:
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise BuildFailed(f"{path} cannot be read: {error}.", file=path) from None
    dependencies = project.get("dependencies", []) if isinstance(project, dict) else None
    if not isinstance(dependencies, list) or not all(isinstance(entry, str) for entry in dependencies):
        raise BuildFailed(f"{path}: project.dependencies is not a list of texts. Make it one.", file=path)
    if "dependencies" in project.get("dynamic", []):
        raise BuildFailed(f"{path}: dynamic dependencies are not read. List them there.", file=path)
    if len(dependencies) > MOST:
        raise BuildFailed(f"{path} lists {len(dependencies)} packages; {MOST} are the most.", file=path)
    written = text.splitlines()
    lines = []
    for dependency in dependencies:
        number = next((n for n, line in enumerate(written, 1) if dependency in line), 0)
        lines.append(_requirement(path, number, dependency))
    return lines


def without_credentials(text: str) -> str:
    """Return `text` without the user names and passwords of addresses in it."""
    return CREDENTIALS.sub(r"\1", text)


def _failed(path: str, number: int, text: str, problem: str) -> BuildFailed:
    text = without_credentials(text)
    shown = text[:80]
    return BuildFailed(f"{path}, line {number}: “{shown}” {problem}", file=path, line=number, text=text)
