"""Gathers what a run has made, and moves it into its owner's home in one step."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nfs import beneath
from nfs.beneath import UnsafePathError
from workspace_api.runs.folders import AttemptFolder
from workspace_api.runs.models import Run
from workspace_api.runs.results import LOG, NOTEBOOK, REPORT, RUNS

SKIPPED = frozenset({".git", "__pycache__", ".ipynb_checkpoints"})
SOURCE = "worksheet.ipynb"
PARAMETERS = "parameters.json"
OUTPUTS = "outputs"
MOST_OUTPUTS = 2_000
LOG_BYTES = 2_000_000


class HomeRefusesError(Exception):
    """The owner's home holds something where the results belong; the message says what, and the remedy."""


def take_stock(folder: AttemptFolder, notebook: str) -> None:
    """Keep the notebook and note every file's hash, before the run changes any."""
    with beneath.folder(folder.project) as at:
        with suppress(FileNotFoundError, UnsafePathError), beneath.folder(folder.path) as ours:
            beneath.copy_plain(at, notebook, ours, folder.source.name)
        hashes = {entry.path: sha256(at, entry.path) for entry in beneath.walk(at, skip=SKIPPED)}
    folder.manifest.write_text(json.dumps(hashes), encoding="utf-8")


def sha256(at: int, path: str) -> str:
    """Return the SHA-256 of a plain file below the folder `at`, in hexadecimal."""
    with os.fdopen(beneath.open_plain(at, path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_files(folder: AttemptFolder) -> list[str]:
    """Return the files of the checkout that are new or differ from what was checked out, by name."""
    before: dict[str, str] = json.loads(folder.manifest.read_text(encoding="utf-8"))
    with beneath.folder(folder.project) as at:
        return [
            entry.path
            for entry in beneath.walk(at, skip=SKIPPED)
            if before.get(entry.path) != sha256(at, entry.path)
        ]


def collect(run: Run, folder: AttemptFolder, describe: Callable[[Path], None]) -> None:
    """Put the results together in `folder.bundle`, unless that was done before.

    They are: the executed notebook, the report, `parameters.json`, the log, the notebook as it was asked for,
    the new and changed files below `outputs/`, and what `describe` writes about them all.
    """
    if folder.collected.exists():
        return
    partial = folder.bundle.with_name("bundle.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    outputs = changed_files(folder)
    with beneath.folder(partial) as target:
        with beneath.folder(folder.result) as made:
            for name in (NOTEBOOK, REPORT):
                with suppress(FileNotFoundError, UnsafePathError):
                    beneath.copy_plain(made, name, target, name)
        with beneath.folder(folder.project) as project:
            for path in outputs[:MOST_OUTPUTS]:
                beneath.copy_plain(project, path, target, f"{OUTPUTS}/{path}")
    _write_ours(run, folder, partial, left_out=len(outputs) - MOST_OUTPUTS)
    describe(partial)
    shutil.rmtree(folder.bundle, ignore_errors=True)
    partial.rename(folder.bundle)
    folder.collected.touch()


def promote(folder: AttemptFolder, home: Path, run_id: str, uid: int) -> None:
    """Move the collected results to `runs/<run_id>` in `home`, whole, as the user id `uid`'s own.

    Nothing happens when they have moved before. Raises HomeRefusesError when a link or file stands where the
    folder `runs` belongs.
    """
    if not folder.bundle.exists():
        return
    owner = uid if os.geteuid() == 0 else None
    if owner is not None:
        with beneath.folder(folder.bundle) as at:
            beneath.give_to(at, owner)
    try:
        with beneath.folder(home, RUNS, create=True, owner=owner) as at:
            _make_way(at, run_id)
            _move(folder.bundle, at, run_id, owner)
    except UnsafePathError as error:
        raise HomeRefusesError(
            f"The results could not be kept: in your home, “{RUNS}” is a link or a file. Rename or "
            "remove it, and run again."
        ) from error


def _write_ours(run: Run, folder: AttemptFolder, partial: Path, *, left_out: int) -> None:
    """Write the files that the worker itself vouches for."""
    text = json.dumps(run.parameters, indent=2, ensure_ascii=False)
    (partial / PARAMETERS).write_text(text + "\n", encoding="utf-8")
    log = folder.log(0, LOG_BYTES)
    if left_out > 0:
        log += f"\n{left_out} more new files were not kept; {MOST_OUTPUTS} are the most.\n".encode()
    (partial / LOG).write_bytes(log)
    if folder.source.is_file():
        shutil.copyfile(folder.source, partial / SOURCE)


def _make_way(at: int, run_id: str) -> None:
    """Move aside whatever has the place of the results: it is somebody's, and not ours to remove."""
    try:
        os.lstat(run_id, dir_fd=at)
    except FileNotFoundError:
        return
    number = 1
    while f"{run_id}.before-{number}" in os.listdir(at):
        number += 1
    os.rename(run_id, f"{run_id}.before-{number}", src_dir_fd=at, dst_dir_fd=at)


def _move(bundle: Path, at: int, run_id: str, owner: int | None) -> None:
    try:
        os.rename(bundle, run_id, dst_dir_fd=at)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(bundle, at, run_id, owner)


def _move_across(bundle: Path, at: int, run_id: str, owner: int | None) -> None:
    """Move to another file system: copy beside the place, then rename."""
    partial = f".{run_id}.partial"
    beneath.remove_tree(at, partial)
    beneath.copy_tree(bundle, at, partial)
    if owner is not None:
        copied = beneath.enter(at, partial)
        try:
            beneath.give_to(copied, owner)
        finally:
            os.close(copied)
    os.rename(partial, run_id, src_dir_fd=at, dst_dir_fd=at)
    shutil.rmtree(bundle)
