"""Compiles the modules of a folder: `python -I -S compiling.py FOLDER STORE`, by the standard library alone.

What is compiled depends on the source's bytes alone, so each source is compiled once, into the store under
the hash of its bytes, and linked to wherever it occurs. Such a file names no source's time or size, which
would differ from place to place: it is an "unchecked hash-based" one (PEP 552), right for folders that never
change. Only this program writes the store. What a package brings compiled is replaced: it need not be its
source.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

UNUSED_SECONDS = 60 * 86_400.0


def compile_folder(folder: Path, store: Path) -> None:
    """Compile every module under `folder`; one that is no valid Python, such as a template, is left out."""
    store = store / f"{sys.implementation.cache_tag}-{importlib.util.MAGIC_NUMBER.hex()}"
    store.mkdir(parents=True, exist_ok=True)
    modules = (path for path in folder.rglob("*.py") if path.is_file())
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(partial(compile_module, store=store), modules, chunksize=64):
            pass
    forget_unused(store)


def compile_module(source: Path, store: Path) -> None:
    """Put the compiled form of `source` beside it; OSError where it cannot be written."""
    compiled = Path(importlib.util.cache_from_source(str(source)))
    stored = store / f"{hashlib.sha256(source.read_bytes()).hexdigest()}.pyc"
    compiled.parent.mkdir(exist_ok=True)
    compiled.unlink(missing_ok=True)
    if not stored.exists():
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        try:
            py_compile.compile(str(source), str(stored), doraise=True, invalidation_mode=mode)
        except py_compile.PyCompileError:
            return
    try:
        os.link(stored, compiled)
    except OSError:  # another file system, too many links, or forgotten a moment ago
        if stored.exists():
            shutil.copyfile(stored, compiled)


def forget_unused(store: Path) -> None:
    """Remove what no environment links to and has not been compiled lately."""
    before = time.time() - UNUSED_SECONDS
    for entry in os.scandir(store):
        kept = entry.stat()
        if kept.st_nlink == 1 and kept.st_mtime < before:
            Path(entry).unlink(missing_ok=True)


if __name__ == "__main__":
    compile_folder(Path(sys.argv[1]), Path(sys.argv[2]))
