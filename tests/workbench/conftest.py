"""A person's home, their fork and its origin as bare repositories, and the program that works on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub import workbench
from hub.workbench.program import START

PROGRAM = Path(workbench.__file__).parent


@dataclass
class Person:
    """Somebody with a home, whose git knows their name."""

    name: str
    folder: Path

    @property
    def home(self) -> Path:
        """Their home."""
        return self.folder / self.name

    @property
    def checkout(self) -> Path:
        """Their checkout of the project."""
        return self.home / "projects" / "variants"

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run git as this person."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """What their processes are given."""
        return {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GIT_CONFIG_SYSTEM": str(self.folder / f"{self.name}.gitconfig"),
        }

    def ask(self, operation: str, **request: object) -> dict:
        """Have the program do `operation`, and return its answer."""
        asked, answer = self.folder / "request.json", self.folder / "answer.json"
        asked.write_text(json.dumps({"operation": operation, "folder": "projects/variants", **request}))
        command = [sys.executable, "-I", "-c", START, str(PROGRAM), str(asked), str(answer)]
        subprocess.run(command, env=self.environment, check=True)
        return json.loads(answer.read_text())

    def open(self, origin: Path, upstream: Path | None = None) -> dict:
        """Open the project."""
        return self.ask(
            "open",
            names=["variants", "genomics--variants"],
            origin=str(origin),
            upstream=str(upstream) if upstream else None,
        )


@pytest.fixture
def person(tmp_path: Path):
    """Makes people."""

    def make(name: str) -> Person:
        made = Person(name, tmp_path)
        made.home.mkdir()
        (tmp_path / f"{name}.gitconfig").write_text(
            f"[user]\nname = {name}\nemail = {name}@labfork.invalid\n[init]\ndefaultBranch = main\n"
        )
        return made

    return make


@pytest.fixture
def origin(tmp_path: Path, person) -> Path:
    """A project with a notebook and a text."""
    author = person("author")
    work, bare = tmp_path / "work", tmp_path / "origin.git"
    work.mkdir()
    author.git("init", "--quiet", cwd=work)
    (work / "notes.txt").write_text("one\ntwo\nthree\n")
    (work / "a.ipynb").write_text(notebook_text("1 + 1", "2 + 2", "3 + 3"))
    author.git("add", ".", cwd=work)
    author.git("commit", "--quiet", "-m", "First", cwd=work)
    author.git("clone", "--quiet", "--bare", str(work), str(bare), cwd=tmp_path)
    return bare


@pytest.fixture
def fork(tmp_path: Path, origin: Path) -> Path:
    """A fork of it."""
    path = tmp_path / "fork.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(origin), str(path)], check=True)
    return path


def notebook_text(*cells: str) -> str:
    """Return the text of a notebook."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {},
                    "outputs": [],
                    "execution_count": None,
                    "source": source,
                }
                for number, source in enumerate(cells)
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )
