"""Where a run works before its results move into a home."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUN_ID = re.compile(r"[0-9a-f]{1,24}")


@dataclass(frozen=True)
class AttemptFolder:
    """The folders of one attempt at a run.

    `project` and `result` belong to the person and are theirs to change while the run is under way, as is
    `home`, the throw-away home of runs without a person's own; everything else is the worker's.
    """

    path: Path

    @property
    def project(self) -> Path:
        """The checkout."""
        return self.path / "project"

    @property
    def result(self) -> Path:
        """What the notebook runner writes."""
        return self.path / "result"

    @property
    def home(self) -> Path:
        """An empty home."""
        return self.path / "home"

    @property
    def request(self) -> Path:
        """What the notebook runner is asked for."""
        return self.path / "request.json"

    @property
    def manifest(self) -> Path:
        """The checkout's files with their hashes, as they were before the run."""
        return self.path / "manifest.json"

    @property
    def source(self) -> Path:
        """The notebook, as it was before the run."""
        return self.path / "source.ipynb"

    @property
    def control(self) -> Path:
        """The launcher's folder."""
        return self.path / "control"

    @property
    def bundle(self) -> Path:
        """The results, whole, before they move into the home."""
        return self.path / "bundle"

    @property
    def collected(self) -> Path:
        """A mark: the results were collected; where `bundle` is gone they have moved."""
        return self.path / "collected"

    def log(self, offset: int, most: int) -> bytes:
        """Return what the job has written from byte `offset` on, at most `most` bytes."""
        try:
            with (self.control / "log").open("rb") as file:
                file.seek(offset)
                return file.read(most)
        except FileNotFoundError:
            return b""

    def make(self) -> None:
        """Make the folder anew, readable by the worker alone."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(mode=0o700, parents=True)


@dataclass(frozen=True)
class WorkFolders:
    """The folders of all runs that are under way: `<run id>/<attempt>`; others are beside them."""

    root: Path

    def attempt(self, run_id: str, attempt: int) -> AttemptFolder:
        """Return the folder of one attempt."""
        return AttemptFolder(self.root / run_id / str(attempt))

    def remove(self, run_id: str) -> None:
        """Remove everything of a run; what its home has by then stays."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)

    def run_ids(self) -> Iterator[str]:
        """Yield the runs that have a folder."""
        if self.root.is_dir():
            yield from sorted(path.name for path in self.root.iterdir() if RUN_ID.fullmatch(path.name))
