"""Says in words why an image could not be built, and which line of a repository is at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from hub.environments.image_files import stock_file
from hub.environments.requirements import BuildFailed, Line, line_of
from hub.processes import CommandError

STEP = re.compile(r"^#\d+ (?:\[[^\]]*\] ?|\d+\.\d+ ?|ERROR: ?|sha256:.*|CACHED$|DONE .*)?", re.M)
MISSING_PACKAGE = re.compile(r"E: (?:Unable to locate package|Package '?)\s*([\w.+-]+)")
SCRIPT = re.compile(r"(?:running \[/bin/sh -c|process \"/bin/sh -c) (?:\./)?(\S*postBuild)\]?")
NO_PYTHON = re.compile(r"No interpreter found for Python (\S+)")
UNREACHABLE = re.compile(
    r"Could not be reached: |Could not resolve|Could not connect|Failed to connect|Connection refused|"
    r"Connection timed out|Temporary failure|unable to resolve|failed to (?:download|fetch)|"
    r"Name or service not known|CERTIFICATE_VERIFY_FAILED|SSL certificate problem|Download error|"
    r"Network is unreachable|wget -qO- .*?(?:tar|bzip2): ",
    re.I,
)
NO_ENGINE = re.compile(r"Cannot connect to the Docker daemon|error during connect")
NO_BASE = re.compile(
    r"failed to (?:solve|resolve).*(?:metadata|pull access denied|not found|no such host|lookup)", re.I
)
NO_SPACE = re.compile(r"no space left on device|disk quota exceeded|os error 28\b", re.I)
SAID = 700


def explain(
    error: CommandError, files: Mapping[str, str], lines: list[Line], base_image: str, seconds: float
) -> BuildFailed:
    """Return the failure of a build whose program ended with `error`, in words for its author."""
    if error.status is None:
        return BuildFailed(f"The build was not done after {seconds / 60:.0f} minutes and was stopped.")
    words = " ".join(part.strip() for part in STEP.sub("", error.output).splitlines() if part.strip())
    last = words[-SAID:]
    if NO_ENGINE.search(words):
        return BuildFailed(f"The Docker Engine does not answer. Ask an administrator to start it. {last}")
    if NO_SPACE.search(words):
        return BuildFailed(
            "The store of environments is full. Ask an administrator to make room, then try again. "
            f"It said: {_before_error(words)}"
        )
    by_name = {PurePosixPath(path).name: path for path in files}
    if (package := MISSING_PACKAGE.search(words)) is not None and "apt.txt" in by_name:
        found = _line_in(files, by_name["apt.txt"], package[1])
        if found is not None:
            return _at(found, "is no package of the base image's Debian.")
    if (script := SCRIPT.search(words)) is not None:
        return BuildFailed(f"{script[1]} failed: {_before_error(words)}", file=script[1])
    if (stock := stock_file(files)) is not None and UNREACHABLE.search(words):
        return BuildFailed(
            f"{stock}: environments of this kind download from places that this workspace cannot reach. "
            "Use requirements.txt instead, or ask an administrator to open the way to them. "
            f"It said: {_before_error(words)}",
            file=stock,
        )
    if (python := NO_PYTHON.search(words)) is not None and "runtime.txt" in by_name:
        line = _line_in(files, by_name["runtime.txt"], "python")
        if line is not None:
            return _at(line, f"is not to be had: Python {python[1].rstrip('.')} is not in {base_image}.")
    begin = words.find("Because")
    if begin >= 0 and (at_fault := line_of(lines, words[begin:])) is not None:
        return _at(at_fault, f"cannot be installed. {words[begin : begin + SAID]}")
    if NO_BASE.search(words):
        return BuildFailed(f"The base image {base_image} is not to be had. Ask an administrator. {last}")
    return BuildFailed(f"The environment could not be built: {_before_error(words)}")


def _before_error(words: str) -> str:
    """Return the end of what a step said, without the client's own account of the Dockerfile."""
    end = words.find(" ------ ")
    return words[:end][-SAID:] if end > 0 else words[-SAID:]


def _line_in(files: Mapping[str, str], path: str, name: str) -> Line | None:
    for number, text in enumerate(files[path].splitlines(), start=1):
        if name in text:
            return Line(path, number, text.strip(), name)
    return None


def _at(line: Line, problem: str) -> BuildFailed:
    message = f"{line.file}, line {line.number}: “{line.text[:80]}” {problem}"
    return BuildFailed(message, file=line.file, line=line.number, text=line.text)
