"""A person's home, their fork and its origin as bare repositories, and the program that works on them."""

from __future__ import annotations

import importlib.resources
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from hub import workbench
from hub.jobs import Account, Job, Limits
from hub.launchers import SandboxLauncher
from hub.processes import run
from hub.sandbox import Host
from hub.workbench.program import START
from hub.workbench.stripping import FILTER
from nfs.mounts import Mount
from tests.conftest import wait_for

PROGRAM = Path(workbench.__file__).parent
INSIDE = PurePosixPath("/opt/labfork/workbench")
ASKED = PurePosixPath("/srv/session/request.json")
ANSWERS = PurePosixPath("/srv/session/answer")
HOME = PurePosixPath("/home/jovyan")
PERSON = Account(23_456, 23_456)
ROOT = os.geteuid() == 0


@dataclass
class Person:
    """Somebody with a home, whose git knows their name."""

    name: str
    folder: Path
    environment: Path
    asked: int = 0
    variables: dict[str, str] = field(default_factory=dict)

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
            env={
                "HOME": str(self.home),
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_SYSTEM": str(self.folder / f"{self.name}.gitconfig"),
            },
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout

    def ask(self, operation: str, **request: object) -> dict:
        """Have the program do `operation` in the person's sandbox, and return its answer."""
        launched, answer = self.start(operation, **request)
        outcome = wait_for(launched.outcome, seconds=120, what=operation)
        assert answer.exists(), (outcome, (launched.folder / "log").read_text())
        return json.loads(answer.read_text())

    def start(self, operation: str, **request: object):
        """Start `operation` in the person's sandbox; return the job, and where its answer will be."""
        self.asked += 1
        place = self.folder / f"{self.name}-{self.asked}"
        (place / "answer").mkdir(parents=True)
        asked = place / "request.json"
        asked.write_text(json.dumps({"operation": operation, "folder": "projects/variants", **request}))
        self._own(place / "answer", self.home, *self.folder.glob("*.git"))
        job = Job(
            argv=(
                *(str(Host.here().python), "-I", "-S", "-c", START),
                *(str(INSIDE), str(ASKED), str(ANSWERS / "answer.json")),
            ),
            cwd=HOME,
            env={
                "HOME": str(HOME),
                "PATH": f"{self.environment / 'bin'}:/usr/bin:/bin",
                "GIT_CONFIG_SYSTEM": "/srv/session/gitconfig",
                **self.variables,
            },
            mounts=(
                Mount(self.home, HOME, "rw"),
                Mount(PROGRAM, INSIDE, "ro"),
                Mount(asked, ASKED, "ro"),
                Mount(place / "answer", ANSWERS, "rw"),
                Mount(self.folder / f"{self.name}.gitconfig", PurePosixPath("/srv/session/gitconfig"), "ro"),
                Mount(self.environment, PurePosixPath(self.environment), "ro"),
                *(Mount(bare, PurePosixPath(bare), "rw") for bare in self.folder.glob("*.git")),
            ),
            account=PERSON,
            limits=Limits(cpus=2, memory_bytes=2 << 30, wall_seconds=120, processes=128, disk_bytes=1 << 40),
        )
        return SandboxLauncher().start(job, place / "control"), place / "answer" / "answer.json"

    @staticmethod
    def _own(*folders: Path) -> None:
        """Give what a test wrote as root to the person, as whom the sandbox runs."""
        for folder in folders if ROOT else ():
            for where, _, names in os.walk(folder):
                for path in (where, *(os.path.join(where, name) for name in names)):  # noqa: PTH118
                    os.lchown(path, PERSON.uid, PERSON.gid)

    def open(self, origin: Path, upstream: Path | None = None) -> dict:
        """Open the project."""
        return self.ask(
            "open",
            names=["variants", "genomics--variants"],
            origin=str(origin),
            upstream=str(upstream) if upstream else None,
        )


@pytest.fixture(scope="session")
def environment(tmp_path_factory) -> Path:
    """A project's environment as far as the program needs it: nbdime, of the version that each has."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    base = (importlib.resources.files("hub.environments") / "base.txt").read_text()
    nbdime = next(line for line in base.splitlines() if line.startswith("nbdime=="))
    uv = Path(sys.executable).with_name("uv")
    run([uv, "venv", "--quiet", "--python", sys.executable, folder], timeout=60)
    run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", nbdime], timeout=300)
    return folder


@pytest.fixture
def person(tmp_path: Path, environment: Path):
    """Makes people."""
    tmp_path.chmod(0o755)

    def make(name: str) -> Person:
        made = Person(name, tmp_path, environment)
        made.home.mkdir()
        lines = [
            *("[user]", f"name = {name}", f"email = {name}@labfork.invalid"),
            *("[init]", "defaultBranch = main", "[safe]", "directory = *"),
            f'[filter "{FILTER}"]',
            f'clean = "{Host.here().python} -I -S {INSIDE / "stripping.py"}"',
        ]
        (tmp_path / f"{name}.gitconfig").write_text("\n".join(lines) + "\n")
        (tmp_path / f"{name}.gitconfig").chmod(0o644)
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
