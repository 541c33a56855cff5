"""What differs between two versions, or between one and the files as they are now: bounded, and as text."""

from __future__ import annotations

import shutil
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
PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")


@dataclass(frozen=True)
class Comparison:
    """What is compared: a commit with a later one, or with the files (`new` is None) by an own index."""

    folder: Path
    old: str
    new: str | None
    index: Path
    strips: bool

    def names(self) -> list[tuple[str, str]]:
        """Return what happened to each file, and its path."""
        fields = lines(self.folder, *self._diff("--name-status", "-z"), index=self._index)
        return [
            (KINDS.get(kind, "changed"), path) for kind, path in zip(fields[::2], fields[1::2], strict=True)
        ]

    def patch(self, path: str) -> str:
        """Return how a file differs, as unified hunks; empty where it is no text."""
        said = git(
            self.folder, "--literal-pathspecs", *self._diff("--unified=3"), "--", path, index=self._index
        )
        _, mark, hunks = said.partition("\n@@ ")
        return (mark.strip() + " " + hunks).rstrip("\n") if mark else ""

    def notebook(self, path: str) -> tuple[bytes, bytes]:
        """Return a notebook before and after; empty where it was not, or is no more."""
        return self._content(self.old, path), self._content(self.new, path)

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

    Each has `path`, `kind`, and what differs: `patch`, or `cells` of a notebook; one that would not be saved
    has `reason`. `more` counts those left out. Raises Refused for a version that is not there.
    """
    index = folder / ".git" / "labfork-index"
    new = _commit(folder, after) if after else None
    comparison = Comparison(folder, _commit(folder, before or "HEAD"), new, index, follow_setting(folder))
    try:
        held = {} if new else _take_in_new_files(folder, index)
        found = [(kind, path) for kind, path in comparison.names() if path not in held]
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


def _described(comparison: Comparison, found: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Say of each file how it differs, as long as there is room for it."""
    notebooks = {path: comparison.notebook(path) for _, path in found if path.endswith(".ipynb")}
    cells = notebook_changes(notebooks)
    room = LONGEST_ANSWER
    files = []
    for kind, path in found:
        change: dict[str, Any] = {"path": path, "kind": kind}
        files.append(change)
        if path in cells:
            change["cells"] = cells[path]
        elif room > 0:
            patch = comparison.patch(path)
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
