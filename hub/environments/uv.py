"""Builds environments with uv, from wheels alone: nothing of a project is executed while it is built."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.resources
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from hub.environments.bytecode import compile_packages, packages_folder
from hub.environments.collection import Stored
from hub.environments.folders import discard, set_aside
from hub.environments.keys import environment_key
from hub.environments.locks import lock_key
from hub.environments.requirements import BuildFailed, Line, line_of, read_requirements
from hub.environments.startup import STARTUP
from hub.processes import Cancelled, CommandError, run, stream
from nfs.mounts import Mount

HONOURED = frozenset({"requirements.txt", "pyproject.toml", "runtime.txt"})
COMPLETE = ".labfork-complete"  # the last file of a build; it holds the bytes of the others
NO_ROOM = re.compile(r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b")


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
        self._lock = (ours / "base.lock").read_text(encoding="utf-8")
        self._startup = {name: path.read_text(encoding="utf-8") for name, path in STARTUP.items()}

    @property
    def name(self) -> str:
        """The builder with every version that decides what it makes."""
        python = ".".join(platform.python_version_tuple()[:2])
        ours = f"{self._base}{self._overrides}{self._lock}{''.join(self._startup.values())}"
        return f"uv-4 python-{python} {platform.machine()} {ours}"

    @property
    def label(self) -> str:
        """The builder in a few words, for people."""
        return f"uv, Python {'.'.join(platform.python_version_tuple()[:2])} ({platform.machine()})"

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
        """Whether the environment is there, whole and readable for those who use it."""
        folder = self.folder(key)
        needed = 0o555 if os.geteuid() == 0 else 0o500  # root's jobs run as other accounts
        try:
            (folder / COMPLETE).stat()
            return folder.stat().st_mode & needed == needed
        except OSError:
            return False

    def build(
        self, key: str, files: Mapping[str, str], log: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Build the environment `key` of `files` (path to text) unless it is there; the log grows meanwhile.

        One build of a key at a time, across processes. A build that was cut off leaves nothing that counts
        as built. Raises BuildFailed with the line at fault, and Cancelled when `cancelled` says so.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with lock_key(self._root, key, cancelled) as lock:
            if self.is_built(key):
                return
            folder = self.folder(key)
            discard(set_aside(folder))
            log.write_text("Reading the environment files\n", encoding="utf-8")
            try:
                lines = self._read(files)
                self._install(folder, lines, log, lock, cancelled)
                (folder / COMPLETE).write_text(str(self.size(key)), encoding="ascii")
            except BuildFailed as failure:
                discard(set_aside(folder))
                _append(log, failure.message)
                raise
            except Cancelled:
                discard(set_aside(folder))
                _append(log, "Cancelled")
                raise
            except OSError:
                discard(set_aside(folder))
                raise
            _append(log, "Ready")

    def installed_packages(self, key: str) -> dict[str, str]:
        """Return the packages of a built environment with their versions."""
        mark = self.folder(key) / COMPLETE
        return dict(_packages(self.folder(key), mark.stat().st_mtime_ns if mark.exists() else 0))

    def size(self, key: str) -> int:
        """Return the bytes of the environment's files; those shared with the cache are counted too."""
        walked = os.walk(self.folder(key))
        files = (Path(where) / name for where, _, names in walked for name in names if name != COMPLETE)
        return sum(file.lstat().st_size for file in files)

    def stored(self) -> list[Stored]:
        """Return the environments that are there, whole, with the time at which each was built."""
        there = []
        for mark in self._root.glob(f"[!.]*/{COMPLETE}"):
            try:
                written, built_at = mark.read_text(encoding="ascii"), mark.stat().st_mtime
            except OSError:  # removed meanwhile
                continue
            key = mark.parent.name
            there.append(Stored(key, int(written) if written.isdigit() else self.size(key), built_at))
        return there

    def remove(self, key: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Remove an environment, if `still` says so once no build of it goes on and none can begin.

        It leaves its name in one step, so that nobody ever finds half of it. False while it is being built.
        """
        try:
            with lock_key(self._root, key, lambda: True):
                if not still():
                    return False
                aside = set_aside(self.folder(key))
        except Cancelled:
            return False
        discard(aside)
        return True

    def tidy(self) -> None:
        """Remove what builds and removals that were cut off left behind."""
        for folder in self._root.glob("*/"):
            if folder.name.startswith("."):
                discard(folder)
            elif not self.is_built(folder.name):
                self.remove(folder.name, lambda key=folder.name: not self.is_built(key))  # type: ignore[misc]

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
            for words, options in self._steps(folder, lines):
                _append(log, f"Installing {words}")
                stream(
                    [*self._command(folder), *options],
                    log,
                    timeout=self._seconds,
                    cancelled=cancelled,
                    keep=lock,
                    env=self._variables(),
                )
            _quieten(folder)
            self._give_defaults(folder)
            compile_packages(folder, log, timeout=self._seconds, cancelled=cancelled, keep=lock)
            folder.chmod(0o755)
        except CommandError as error:
            raise _explained(error, lines, self._seconds) from None

    def _give_defaults(self, folder: Path) -> None:
        """Put what Python reads at its start beside the packages."""
        packages = packages_folder(folder)
        for name, text in self._startup.items():
            (packages / name).write_text(text, encoding="utf-8")

    def _variables(self) -> dict[str, str]:
        """Return uv's variables; the index is one of them, since it may hold a password."""
        index = {"UV_DEFAULT_INDEX": self._index_url} if self._index_url else {}
        return {**os.environ, **index}

    def _steps(self, folder: Path, lines: list[Line]) -> Iterator[tuple[str, list[str | Path]]]:
        """Return what is installed, in words and as options.

        First comes what every environment has, as it is locked: uv then leaves that as it is, wherever the
        project's packages can live with it.
        """
        locked = folder / "labfork-base.lock"
        locked.write_text(self._lock, encoding="utf-8")
        yield "JupyterLab", ["--no-deps", "--require-hashes", "--requirement", locked]
        if lines:
            wanted = folder / "labfork-requirements.txt"
            wanted.write_text(self._base + "".join(f"{line.text}\n" for line in lines), encoding="utf-8")
            overrides = folder / "labfork-overrides.txt"
            overrides.write_text(self._overrides, encoding="utf-8")
            options: list[str | Path] = ["--requirement", wanted, "--override", overrides]
            yield f"{len(lines)} packages with what they need", options

    def _command(self, folder: Path) -> list[str | Path]:
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
        ]


@functools.lru_cache(maxsize=64)
def _packages(folder: Path, built_ns: int) -> Mapping[str, str]:
    """Read the packages of an environment; one that was built at another time is another one."""
    site = str(packages_folder(folder))
    named = [(d.metadata["Name"], d.version) for d in importlib.metadata.distributions(path=[site])]
    return dict(sorted((pair for pair in named if pair[0]), key=lambda pair: pair[0].lower()))


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
    if NO_ROOM.search(words):
        return BuildFailed("The disk is full, so the environment could not be built. Ask an administrator.")
    at_fault = line_of(lines, words)
    said = words[max(words.find("Because"), 0) :][:700] or str(error)
    if at_fault is None:
        return BuildFailed(f"The environment could not be built: {said}")
    place = f"{at_fault.file}, line {at_fault.number}: “{at_fault.text}” cannot be installed."
    return BuildFailed(f"{place} {said}", file=at_fault.file, line=at_fault.number, text=at_fault.text)


def _append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
