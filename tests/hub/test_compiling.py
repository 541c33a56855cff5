"""Modules are compiled once, whatever environments they are in."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from hub.environments.compiling import UNUSED_SECONDS, compile_folder


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def package(folder: Path, **modules: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def compiled(folder: Path, module: str) -> Path:
    return Path(cache_from_source(str(folder / f"{module}.py")))


def run_in(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=30
    )


def test_the_same_module_is_compiled_once_for_all_environments(tmp_path, store):
    first = package(tmp_path / "first", word="TEXT = 'one'\n")
    second = package(tmp_path / "second", word="TEXT = 'one'\n", other="TEXT = 'two'\n")

    compile_folder(first, store)
    compile_folder(second, store)

    assert compiled(first, "word").samefile(compiled(second, "word"))
    assert not compiled(second, "word").samefile(compiled(second, "other"))


def test_what_was_compiled_elsewhere_is_used_and_names_the_file_it_is_beside(tmp_path, store):
    first = package(tmp_path / "first", word="def fail():\n    raise ValueError('no')\n")
    second = package(tmp_path / "second", word="def fail():\n    raise ValueError('no')\n")
    compile_folder(first, store)
    compile_folder(second, store)

    shown = run_in(second, "import sys; sys.dont_write_bytecode = True; import word; word.fail()").stderr

    assert f'File "{second / "word.py"}", line 2' in shown


def test_a_module_that_came_compiled_is_compiled_from_its_source(tmp_path, store):
    source = package(tmp_path / "source", word="print('what one reads')\n")
    hostile = package(tmp_path / "hostile", word="print('something else')\n")
    compile_folder(hostile, store)
    compiled(source, "word").parent.mkdir()
    compiled(source, "word").write_bytes(compiled(hostile, "word").read_bytes())
    assert run_in(source, "import word").stdout == "something else\n"

    compile_folder(source, store)

    assert run_in(source, "import word").stdout == "what one reads\n"
    assert run_in(hostile, "import word").stdout == "something else\n"


def test_what_is_no_python_is_left_out(tmp_path, store):
    folder = package(tmp_path / "package", template="def {{ name }}():\n", word="TEXT = 'one'\n")
    (folder / "folder.py").mkdir()

    compile_folder(folder, store)

    assert compiled(folder, "word").exists()
    assert not compiled(folder, "template").exists()


def test_a_module_that_nothing_uses_for_long_leaves_the_store(tmp_path, store):
    folder = package(tmp_path / "package", kept="TEXT = 'kept'\n", gone="TEXT = 'gone'\n")
    compile_folder(folder, store)
    long_ago = time.time() - UNUSED_SECONDS - 60
    for stored in store.glob("*/*.pyc"):
        os.utime(stored, (long_ago, long_ago))
    (folder / "gone.py").unlink()
    compiled(folder, "gone").unlink()

    compile_folder(folder, store)

    assert len(list(store.glob("*/*.pyc"))) == 1
    assert run_in(folder, "import kept; print(kept.TEXT)").stdout == "kept\n"
