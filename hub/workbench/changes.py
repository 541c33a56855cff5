"""What differs between two versions, or between one and the files as they are now: bounded, and as text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .committing import CHANGED
from .git import Refused, blob, commit_of, git, lines
from .held_back import reason
from .notebooks import notebook_changes
from .outputs import follow_setting
from .stripping import without_outputs

MOST_FILES = 200
LONGEST_PATCH = 20_000
LONGEST_ANSWER = 500_000
LONGEST_NOTEBOOK = 5_000_000
KINDS = {"A": "added", "D": "removed"}
MOST_RENAMES = 400  # beyond as many new and removed files, only those with the same content are paired
PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", f"-l{MOST_RENAMES}")


@dataclass(frozen=True)
class Changed:
    """What happened to one file; `old` is where it was before, `same` says that only its name changed."""

    kind: str
    path: str
    old: str
    same: bool = False


@dataclass(frozen=True)
class Comparison:
    """What is compared: a commit with a later one, or with the files (`new` is None) by an own index."""

    folder: Path
    old: str
    new: str | None
    index: Path
    strips: bool

    def names(self) -> list[Changed]:
        """Return what happened to each file."""
        fields = iter(lines(self.folder, *self._diff("--name-status", "-z"), index=self._index))
        return [_changed(kind, fields) for kind in fields]

    def patch(self, file: Changed) -> str:
        """Return how a file differs, as unified hunks; empty where it is no text."""
        paths = dict.fromkeys((file.old, file.path))
        said = git(
            self.folder, "--literal-pathspecs", *self._diff("--unified=3"), "--", *paths, index=self._index
        )
        _, mark, hunks = said.partition("\n@@ ")
        return (mark.strip() + " " + hunks).rstrip("\n") if mark else ""

    def notebook(self, file: Changed) -> tuple[bytes, bytes]:
        """Return a notebook before and after; empty where it was not, or is no more."""
        return self._content(self.old, file.old), self._content(self.new, file.path)

    def _content(self, commit: str | None, path: str) -> bytes:
        if commit is not None:
            return blob(self.folder, f"{commit}:{path}") or b""
        file = self.folder / path
        if file.is_symlink() or not file.is_file() or file.stat().st_size > LONGEST_NOTEBOOK:
            return b""
        return without_outputs(file.read_bytes()) if self.strips else file.read_bytes()

    def _diff(self, *options: str) -> tuple[str, ...]:
        return ("diff", *PLAIN, *options, self.old, *((self.new,) if self.new else ()))

    @property
    def _index(self) -> Path | None:
        return None if self.new else self.index


def what_changed(folder: Path, before: str | None, after: str | None) -> dict[str, Any]:
    """Return the files that differ between `before` (else the last version) and `after` (else the files now).

    Each has `path`, `kind`, and what differs: `patch`, or `cells` of a notebook; one that was renamed has
    `old_path`, one that would not be saved `reason`. `more` counts those left out. Raises Refused for a
    version that is not there.
    """
    index = folder / ".git" / "labfork-index"
    new = _commit(folder, after) if after else None
    comparison = Comparison(folder, _commit(folder, before or "HEAD"), new, index, follow_setting(folder))
    try:
        held = {} if new else _take_in_new_files(folder, index)
        found = [file for file in comparison.names() if file.path not in held]
        files: list[dict[str, Any]] = [
            {"path": path, "kind": "held back", "reason": words} for path, words in sorted(held.items())
        ]
        total = len(files) + len(found)
        files += _described(comparison, found[: max(0, MOST_FILES - len(files))])
    finally:
        index.unlink(missing_ok=True)
    return {"files": files[:MOST_FILES], "more": max(0, total - MOST_FILES)}


def _take_in_new_files(folder: Path, index: Path) -> dict[str, str]:
    """Make a copy of the index that knows new files too; return what is held back, with the reasons."""
    shutil.copyfile(folder / ".git" / "index", index)
    git(folder, "reset", "--quiet", index=index)
    paths = dict.fromkeys(lines(folder, *CHANGED, index=index))
    held = {path: why.words for path in paths if (why := reason(folder, path))}
    others = lines(folder, *CHANGED[:2], *CHANGED[4:], index=index)
    new = [path for path in others if path not in held]
    if new:
        listed = folder / ".git" / "labfork-paths"
        listed.write_text("".join(f"{path}\0" for path in new), encoding="utf-8", errors="surrogateescape")
        options = (f"--pathspec-from-file={listed}", "--pathspec-file-nul")
        git(folder, "--literal-pathspecs", "add", "--intent-to-add", *options, index=index)
        listed.unlink()
    return held


def _changed(kind: str, fields: Iterator[str]) -> Changed:
    """Read what git says of one file: its kind, then its path, or the old and new one of a renamed file."""
    path = next(fields)
    if not kind.startswith("R"):
        return Changed(KINDS.get(kind, "changed"), path, path)
    return Changed("renamed", next(fields), path, same=kind == "R100")


def _described(comparison: Comparison, found: list[Changed]) -> list[dict[str, Any]]:
    """Say of each file how it differs, as long as there is room for it."""
    notebooks = {each.path: comparison.notebook(each) for each in found if each.path.endswith(".ipynb")}
    cells = notebook_changes(notebooks)
    room = LONGEST_ANSWER
    files = []
    for file in found:
        change: dict[str, Any] = {"path": file.path, "kind": file.kind}
        files.append(change)
        if file.kind == "renamed":
            change |= {"old_path": file.old, "same": file.same}
        if file.path in cells:
            change["cells"] = cells[file.path]
        elif room > 0:
            patch = comparison.patch(file)
            change["patch"] = patch[:LONGEST_PATCH]
            change["cut"] = len(patch) > LONGEST_PATCH
        size = len(str(change))
        if size > room:
            change.pop("cells", None)
            change.pop("patch", None)
            change["cut"] = True
        room -= size
    return files


def _commit(folder: Path, name: str) -> str:
    found = commit_of(folder, name)
    if found is None:
        raise Refused(f"There is no version “{name}”. Choose one from the list of earlier versions.")
    return found
