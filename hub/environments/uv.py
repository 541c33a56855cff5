"""Builds environments with uv, from wheels alone: nothing of a project is executed while it is built."""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.resources
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from hub.environments.bytecode import compile_packages, packages_folder
from hub.environments.keys import environment_key
from hub.environments.requirements import BuildFailed, Line, line_of, read_requirements
from hub.processes import Cancelled, CommandError, run, stream
from nfs.mounts import Mount

HONOURED = frozenset({"requirements.txt", "pyproject.toml", "runtime.txt"})
COMPLETE = ".labfork-complete"
LOOK = 0.1  # seconds between two tries for a lock


class UvBuilder:
    """Virtual environments under `root`, one folder for each key.

    `index_url` names the package index, empty for uv's own setting; `seconds` is the longest build.
    """

    def __init__(self, root: Path, *, index_url: str = "", seconds: float = 1200) -> None:
        self._root = root
        self._index_url = index_url
        self._seconds = seconds
        self._uv = str(Path(sys.executable).with_name("uv"))
        ours = importlib.resources.files("hub.environments")
        self._base = (ours / "base.txt").read_text(encoding="utf-8")
        self._overrides = (ours / "overrides.txt").read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """The builder with every version that decides what it makes."""
        python = ".".join(platform.python_version_tuple()[:2])
        return f"uv-2 python-{python} {platform.machine()} {self._base}{self._overrides}"

    def key(self, files: Mapping[str, bytes]) -> str:
        """Return the key of the environment that `files` need."""
        return environment_key(files, self.name)

    def folder(self, key: str) -> Path:
        """Return where the environment `key` is, or will be."""
        return self._root / key

    def python(self, key: str) -> Path:
        """Return the interpreter of the environment `key`."""
        return self.folder(key) / "bin" / "python"

    def mounts(self, key: str) -> tuple[Mount, ...]:
        """Return what a job must see to use the environment: its folder, read-only, at its own path."""
        folder = self.folder(key)
        return (Mount(folder, PurePosixPath(folder), "ro"),)

    def is_built(self, key: str) -> bool:
        """Whether the environment is there, whole."""
        return (self.folder(key) / COMPLETE).exists()

    def build(
        self, key: str, files: Mapping[str, str], log: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Build the environment `key` of `files` (path to text) unless it is there; the log grows meanwhile.

        One build of a key at a time, across processes. A build that was cut off leaves nothing that counts
        as built. Raises BuildFailed with the line at fault, and Cancelled when `cancelled` says so.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self._root.mkdir(parents=True, exist_ok=True)
        with self._locked(key, cancelled) as lock:
            if self.is_built(key):
                return
            folder = self.folder(key)
            shutil.rmtree(folder, ignore_errors=True)
            log.write_text("Reading the environment files\n", encoding="utf-8")
            try:
                lines = self._read(files)
                self._install(folder, lines, log, lock, cancelled)
            except BuildFailed as failure:
                _append(log, failure.message)
                shutil.rmtree(folder, ignore_errors=True)
                raise
            (folder / COMPLETE).touch()
            _append(log, "Ready")

    def installed_packages(self, key: str) -> dict[str, str]:
        """Return the packages of a built environment with their versions."""
        site = str(packages_folder(self.folder(key)))
        named = [(d.metadata["Name"], d.version) for d in importlib.metadata.distributions(path=[site])]
        return dict(sorted((pair for pair in named if pair[0]), key=lambda pair: pair[0].lower()))

    def size(self, key: str) -> int:
        """Return the bytes of the environment's files; those shared with the cache are counted too."""
        folder = self.folder(key)
        return sum(
            (Path(where) / name).lstat().st_size for where, _, names in os.walk(folder) for name in names
        )

    def _read(self, files: Mapping[str, str]) -> list[Line]:
        for path in sorted(files):
            name = PurePosixPath(path).name
            if name not in HONOURED and not name.startswith("requirements"):
                raise BuildFailed(
                    f"{path}: this workspace builds environments from requirements.txt or pyproject.toml "
                    f"alone; it cannot honour {name}.",
                    file=path,
                )
            if name == "runtime.txt":
                _check_runtime(path, files[path])
        return read_requirements(files)

    def _install(
        self, folder: Path, lines: list[Line], log: Path, lock: int, cancelled: Callable[[], bool]
    ) -> None:
        try:
            run([self._uv, "venv", "--quiet", "--python", sys.executable, folder], timeout=60)
            wanted = folder / "labfork-requirements.txt"
            wanted.write_text(self._base + "".join(f"{line.text}\n" for line in lines), encoding="utf-8")
            overrides = folder / "labfork-overrides.txt"
            overrides.write_text(self._overrides, encoding="utf-8")
            _append(log, f"Installing {len(lines)} packages with what they need, and JupyterLab")
            stream(
                self._command(folder, wanted, overrides),
                log,
                timeout=self._seconds,
                cancelled=cancelled,
                keep=lock,
            )
            _quieten(folder)
            compile_packages(folder, log, timeout=self._seconds, cancelled=cancelled, keep=lock)
        except CommandError as error:
            raise _explained(error, lines, self._seconds) from None
        except Cancelled:
            _append(log, "Cancelled")
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _command(self, folder: Path, wanted: Path, overrides: Path) -> list[str | Path]:
        index = ["--index-url", self._index_url] if self._index_url else []
        return [
            *(
                self._uv,
                "pip",
                "install",
                "--no-config",
                "--no-build",
                "--no-compile-bytecode",
                "--color=never",
            ),
            *("--python", folder / "bin" / "python"),
            *index,
            *("--requirement", wanted, "--override", overrides),
        ]

    @contextmanager
    def _locked(self, key: str, cancelled: Callable[[], bool]) -> Iterator[int]:
        """Hold the key's lock; a uv that outlives us holds it too, by the descriptor it inherits."""
        descriptor = os.open(self._root / f".{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _taken(descriptor):
                if cancelled():
                    raise Cancelled("uv")
                time.sleep(LOOK)
            yield descriptor
        finally:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _quieten(folder: Path) -> None:
    """Have JupyterLab ask nobody for news: sessions reach this workspace alone."""
    settings = folder / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    asked = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    settings.write_text(json.dumps(asked), encoding="utf-8")


def _check_runtime(path: str, text: str) -> None:
    ours = ".".join(platform.python_version_tuple()[:2])
    asked = re.fullmatch(r"python-(\d+\.\d+)(\.\d+)?", text.strip())
    if asked is None or asked[1] != ours:
        raise BuildFailed(
            f"{path}, line 1: “{text.strip()[:40]}” is not to be had; this workspace has python-{ours}.",
            file=path,
            line=1,
            text=text,
        )


def _explained(error: CommandError, lines: list[Line], seconds: float) -> BuildFailed:
    """Say which requirement a failed installation is about, and why, in uv's own words."""
    words = " ".join(part.strip() for part in error.output.splitlines() if part.strip())
    if "was not done after" in str(error):
        return BuildFailed(f"The build was not done after {seconds / 60:.0f} minutes and was stopped.")
    at_fault = line_of(lines, words)
    said = words[max(words.find("Because"), 0) :][:700] or str(error)
    if at_fault is None:
        return BuildFailed(f"The environment could not be built: {said}")
    place = f"{at_fault.file}, line {at_fault.number}: “{at_fault.text}” cannot be installed."
    return BuildFailed(f"{place} {said}", file=at_fault.file, line=at_fault.number, text=at_fault.text)


def _append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
