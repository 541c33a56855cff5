"""Compiles an environment's modules once, so that no session or run has to, without executing any of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from hub.processes import CommandError, stream

SOME_FAILED = 1  # compileall's status when a file is no valid Python, such as a template of a package


def packages_folder(environment: Path) -> Path:
    """Return where a virtual environment keeps its packages."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / name / "site-packages"


def compile_packages(
    environment: Path, log: Path, *, timeout: float, cancelled: Callable[[], bool], keep: int
) -> None:
    """Compile the packages of `environment`; other arguments and what is raised are as for `stream`.

    The interpreter is our own without site-packages. The environment's would execute the `.pth` files in it,
    which are a project's code, outside any sandbox: uv's `--compile-bytecode` does just that.
    """
    folder = str(packages_folder(environment))
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-qq", "-j", "0", folder]
    try:
        stream(command, log, timeout=timeout, cancelled=cancelled, keep=keep)
    except CommandError as error:
        if error.status != SOME_FAILED:
            raise
