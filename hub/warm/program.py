"""Turns a fork of the fork server, inside its sandbox and without rights, into the job's Python program."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import os
import runpy
import site
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ARGUMENTS = (48, 49)  # of the fields in /proc/PID/stat: where the command line begins and ends in memory


def become(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> NoReturn:
    """Be what `argv` would have become had it been executed, with an interpreter of an environment.

    `argv` is as `understood` takes it. Packages that are not loaded yet come from that environment.
    """
    retitle(argv)
    try:
        os.chdir(cwd)
    except OSError as error:
        leave(2, f"{cwd} cannot be opened: {error.strerror}")
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    forget_ourselves()
    isolated, arguments = argv[1] == "-I", [part for part in argv[1:] if part != "-I"]
    move_to(Path(argv[0]), first=() if isolated else (cwd,))
    leave(status_of(arguments))


def understood(argv: Sequence[str]) -> bool:
    """Whether `argv` is `PYTHON -m MODULE ...` or `PYTHON -I SCRIPT ...`, which `become` can be."""
    return len(argv) > 2 and (argv[1] == "-m" or (argv[1] == "-I" and not argv[2].startswith("-")))


def status_of(arguments: Sequence[str]) -> int:
    """Run a module or a script to its end as the main program, and return its exit status."""
    try:
        if arguments[0] == "-m":
            sys.argv = list(arguments[1:])
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(arguments)
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001 - the last frame of the program: as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def leave(status: int, words: str = "") -> NoReturn:
    """End this process as an interpreter ends, without taking every loaded module apart."""
    if words:
        print(words, file=sys.stderr)
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing ends its forks
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status & 0xFF)


def move_to(python: Path, *, first: Sequence[str]) -> None:
    """Have everything that is loaded from now on come from the environment of the interpreter `python`."""
    ours = [path for path in sys.path if path.startswith(f"{sys.prefix}/")]
    standard = [path for path in sys.path if path not in ours]
    theirs = [str(python.parent.parent) + path.removeprefix(sys.prefix) for path in ours]
    sys.prefix = sys.exec_prefix = str(python.parent.parent)
    sys.executable = str(python)
    site.PREFIXES[:] = [sys.prefix]
    sys.path[:] = [*first, *standard]
    for folder in theirs:
        site.addsitedir(folder)
    importlib.invalidate_caches()
    site.execsitecustomize()


def forget_ourselves() -> None:
    """Leave none of the workspace's modules behind under their names: a project may use these itself."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "hub"]:
        del sys.modules[name]


def retitle(argv: Sequence[str]) -> None:
    """Show `argv` as this process's command line, as far as there is room for it.

    A last byte that is not 0 tells the kernel that a program has done so: it then shows one text.
    """
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    begin, end = (int(fields[number - 3]) for number in ARGUMENTS)  # fields[0] is the third
    room = end - begin - 2
    text = os.fsencode(" ".join(argv))[:room].ljust(room + 1, b"\0") + b"."
    ctypes.memmove(begin, text, len(text))
