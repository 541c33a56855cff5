"""Compiles an environment's modules once, so that no session or run has to, without executing any of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs

from hub.processes import stream

PROGRAM = Path(__file__).with_name("compiling.py")


def packages_folder(environment: Path) -> Path:
    """Return where a virtual environment keeps its packages."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / name / "site-packages"


def compiled_modules() -> Path:
    """Return the store of compiled modules: this account's, as uv's cache is, for all of its workspaces."""
    return platformdirs.user_cache_path("labfork", ensure_exists=True) / "modules"


def compile_packages(
    environment: Path, log: Path, *, timeout: float, cancelled: Callable[[], bool], keep: int
) -> None:
    """Compile the packages of `environment`; other arguments and what is raised are as for `stream`.

    The interpreter is our own without site-packages. The environment's would execute the `.pth` files in it,
    which are a project's code, outside any sandbox: uv's `--compile-bytecode` does just that.
    """
    command: list[str | Path] = [sys.executable, "-I", "-S", PROGRAM]
    command += [packages_folder(environment), compiled_modules()]
    stream(command, log, timeout=timeout, cancelled=cancelled, keep=keep)
