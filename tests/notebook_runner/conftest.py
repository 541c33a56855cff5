"""A real project environment, and a way to run notebooks in it as a sandbox does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

RUNNER = Path(__file__).parents[2] / "hub" / "notebook_runner" / "run.py"
UV = Path(sys.executable).with_name("uv")
DEADLINE_SECONDS = 60

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture(scope="session")
def environment_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds what every project environment holds."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True, timeout=120)
    python = folder / "bin" / "python"
    packages = ["papermill", "ipykernel", "nbconvert"]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *packages], check=True, timeout=300)
    return python


@dataclass
class Finished:
    """A run that has ended, and what it left."""

    exit_code: int
    result: Path
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.result / "events.jsonl").read_text().splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == name)

    @property
    def report(self) -> str:
        return (self.result / "report.html").read_text()

    @property
    def notebook(self) -> Any:
        return nbformat.read(self.result / "notebook.ipynb", as_version=4)

    def printed(self) -> str:
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        return "".join(out.get("text", "") for cell in cells for out in cell.outputs)


@dataclass
class Bench:
    """A project folder on which notebooks are put and run; ``prefix`` is a command that starts the runner."""

    python: Path
    folder: Path
    prefix: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def result(self) -> Path:
        return self.folder / "result"

    def write(self, name: str, *cells: Any, metadata: dict[str, Any] | None = None) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata=metadata or PYTHON), path)

    def start(self, notebook: str, **request: Any) -> subprocess.Popen[str]:
        self.project.mkdir(parents=True, exist_ok=True)
        body = {"notebook": notebook, "project": str(self.project), "result": str(self.result), **request}
        asked = self.folder / "request.json"
        asked.write_text(json.dumps(body))
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return subprocess.Popen(
            [*self.prefix, self.python, "-I", RUNNER, asked],
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, notebook: str, **request: Any) -> Finished:
        return self.finish(self.start(notebook, **request))

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        try:
            _, stderr = process.communicate(timeout=DEADLINE_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return Finished(process.returncode, self.result, stderr)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the run did not get there in time"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def make_bench(environment_python: Path) -> Callable[[Path], Bench]:
    """Makes an empty project in a folder, and the means to run its notebooks."""
    return lambda folder: Bench(environment_python, folder)


@pytest.fixture
def bench(make_bench: Callable[[Path], Bench], tmp_path: Path) -> Bench:
    """An empty project and the means to run its notebooks."""
    return make_bench(tmp_path)


def code(source: str, *tags: str) -> Any:
    """A code cell."""
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def prose(source: str) -> Any:
    """A Markdown cell."""
    return nbformat.v4.new_markdown_cell(source)


@pytest.fixture(scope="session")
def cells() -> Any:
    """Makers of cells: ``cells.code(source, *tags)`` and ``cells.prose(source)``."""
    return type("Cells", (), {"code": staticmethod(code), "prose": staticmethod(prose)})
