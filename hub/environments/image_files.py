"""Reads the environment files of an image: what is at fault is said before anything is built."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hub.environments.requirements import COMMENT, BuildFailed, Line

# Which of repo2docker's own build packs takes a repository, in its order, and what that downloads with.
STOCK = {
    "Dockerfile": "its own instructions",
    "Project.toml": "Julia",
    "REQUIRE": "Julia",
    "default.nix": "Nix",
    "install.R": "R",
    "DESCRIPTION": "R",
    "environment.yml": "conda",
    "Pipfile": "conda and pipenv",
    "Pipfile.lock": "conda and pipenv",
}
PLAIN = re.compile(r"[\w./-]+")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*(\S+)$")
LOCAL = re.compile(r"(?:-e|--editable)(?:[ =]|$)|\.{0,2}/|\.{1,2}(?:$|\[)|file:|.*\bfile://|.*@\s*\.{0,2}/")
SYNTAX = re.compile(r"\s*(?:#|//)\s*syntax\s*=", re.IGNORECASE)  # BuildKit looks for it at the beginning
ADDRESS = re.compile(r"(?:-e|--editable)[ =]*\w+(?:\+\w+)?://")


def stock_file(files: Mapping[str, str]) -> str | None:
    """Return the file because of which one of repo2docker's own build packs takes `files`, None for ours."""
    by_name = {PurePosixPath(path).name: path for path in files}
    for name in STOCK:
        if name in by_name:
            return by_name[name]
    runtime = by_name.get("runtime.txt")
    return runtime if runtime is not None and files[runtime].strip().startswith("r-") else None


def check_files(files: Mapping[str, str]) -> list[Line]:
    """Return the requirements of `files` that name a package; raises BuildFailed for what cannot be honoured.

    An image is built from the environment files alone: its key knows nothing else of a repository.
    """
    for path in files:
        if not PLAIN.fullmatch(path):
            raise BuildFailed(f"“{path[:80]}” has characters that cannot be used here. Rename it.", file=path)
    names = {PurePosixPath(path).name: path for path in files}
    if "apt.txt" in names:
        _check_packages(names["apt.txt"], files[names["apt.txt"]])
    if "Dockerfile" in names:
        _check_dockerfile(names["Dockerfile"], files[names["Dockerfile"]])
    if stock_file(files) is not None:
        return []
    if "runtime.txt" in names:
        _check_runtime(names["runtime.txt"], files[names["runtime.txt"]])
    if "requirements.txt" in names:
        return list(_requirements(files, names["requirements.txt"]))
    if "pyproject.toml" in names:
        return list(_dependencies(names["pyproject.toml"], files[names["pyproject.toml"]]))
    if "setup.py" in names:
        raise BuildFailed(
            "setup.py needs the repository's own files, which are no part of its environment. List what it "
            "installs in requirements.txt.",
            file=names["setup.py"],
        )
    return []


def _check_packages(path: str, text: str) -> None:
    for number, raw in enumerate(text.splitlines(), start=1):
        name = raw.partition("#")[0].strip()
        if name and not PACKAGE.fullmatch(name):
            raise _failed(
                path, number, name, "is not the name of a Debian package. Write one name on a line."
            )


def _check_dockerfile(path: str, text: str) -> None:
    """Refuse another front end of BuildKit: it may do whatever it likes to the layers that images share."""
    for number, line in enumerate(text.splitlines(), start=1):
        if SYNTAX.match(line) or (number == 1 and line.lstrip().startswith("{")):
            raise _failed(path, number, line.strip(), "names another syntax. Remove the line.")


def _check_runtime(path: str, text: str) -> None:
    if not re.fullmatch(r"python-\d+\.\d+(\.\d+)?", text.strip()):
        raise _failed(path, 1, text.strip(), "names no Python. Write it like python-3.11.")


def _requirements(files: Mapping[str, str], path: str, depth: int = 0) -> Iterator[Line]:
    for number, raw in enumerate(files[path].splitlines(), start=1):
        text = COMMENT.sub("", raw).strip()
        if (include := INCLUDE.match(text)) is not None:
            target = str(PurePosixPath(path).parent / include[1])
            if target not in files or depth == 5:
                raise _failed(path, number, text, "includes a file that is not beside it. Put it there.")
            yield from _requirements(files, target, depth + 1)
        elif LOCAL.match(text) and not ADDRESS.match(text):
            problem = (
                "needs the repository's own files, which are no part of its environment. Remove the line."
            )
            raise _failed(path, number, text, problem)
        elif (line := _named(path, number, text)) is not None:
            yield line


def _dependencies(path: str, text: str) -> Iterator[Line]:
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise BuildFailed(f"{path} cannot be read: {error}.", file=path) from None
    if not isinstance(project, dict) or "dependencies" in project.get("dynamic", []):
        raise BuildFailed(f"{path}: dynamic dependencies are not read. List them there.", file=path)
    written = text.splitlines()
    for dependency in map(str, project.get("dependencies", [])):
        number = next((n for n, line in enumerate(written, 1) if dependency in line), 0)
        if (line := _named(path, number, dependency)) is not None:
            yield line


def _named(path: str, number: int, text: str) -> Line | None:
    """Return a line that names a package; options and addresses name none, and are left to uv to read."""
    try:
        return Line(path, number, text, canonicalize_name(Requirement(text).name))
    except InvalidRequirement:
        return None


def _failed(path: str, number: int, text: str, problem: str) -> BuildFailed:
    shown = text[:80]
    return BuildFailed(f"{path}, line {number}: “{shown}” {problem}", file=path, line=number, text=text)
