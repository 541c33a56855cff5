"""What differs between two commits, file by file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deploy.forge.git.repository import ZERO, Repository

MAX_FILES = 1000
MAX_PATCH_BYTES = 200_000  # a file larger than this is named without its patch
MAX_TOTAL_BYTES = 20_000_000
OPTIONS = ("diff-tree", "-r", "-M", "--raw", "-z", "--no-abbrev", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True)
class FileDiff:
    """How one file differs; `status` is git's letter (A, D, M, R, T), `patch` the hunks alone."""

    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    old_sha: str
    new_sha: str
    status: str
    patch: str = ""
    too_large: bool = False


def changed_files(repository: Repository, old: str, new: str) -> list[FileDiff]:
    """Return every file that differs between two commits or trees, without patches."""
    return _entries(repository.git(*OPTIONS, old, new))


def with_patches(repository: Repository, old: str, new: str, files: Sequence[FileDiff]) -> list[FileDiff]:
    """Return `files` with their patches, as far as the limits on size go."""
    sizes, shown, total = _sizes(repository, files), [], 0
    for file in files:
        size = sizes.get(file.old_sha, 0) + sizes.get(file.new_sha, 0)
        if size <= 2 * MAX_PATCH_BYTES and total + size <= MAX_TOTAL_BYTES:
            total += size
            shown.append(file)
    patches = _patches(repository, old, new, shown)
    return [
        replace(file, patch=patches[_name(file)]) if _name(file) in patches else replace(file, too_large=True)
        for file in files
    ]


def touched(repository: Repository, commit: str) -> dict[str, list[str]]:
    """Return the paths that a commit added, modified and removed, against its first parent."""
    options = ("diff-tree", "--root", "-r", "-z", "--name-status", "--no-renames", "--no-commit-id", "-m",
               "--first-parent")  # fmt: skip
    words = repository.git(*options, commit).decode(errors="replace").split("\0")[:-1]
    kinds: dict[str, list[str]] = {"added": [], "modified": [], "removed": []}
    for status, path in zip(words[::2], words[1::2], strict=True):
        kinds[{"A": "added", "D": "removed"}.get(status, "modified")].append(path)
    return kinds


def _entries(raw: bytes) -> list[FileDiff]:
    words = iter(raw.decode(errors="replace").split("\0"))
    found = []
    for word in words:
        if not word.startswith(":"):
            break
        old_mode, new_mode, old_sha, new_sha, status = word[1:].split()
        old_path = next(words)
        new_path = next(words) if status[0] in "RC" else old_path
        found.append(FileDiff(old_path, new_path, old_mode, new_mode, old_sha, new_sha, status[0]))
    return found


def _sizes(repository: Repository, files: Iterable[FileDiff]) -> dict[str, int]:
    shas = {sha for file in files for sha in (file.old_sha, file.new_sha) if sha != ZERO}
    asked = "\n".join(sorted(shas)).encode()
    lines = repository.git("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked).decode()
    pairs = (line.split() for line in lines.splitlines())
    return {sha: int(size) for sha, size in pairs if size.isdigit()}  # a submodule's commit has no size here


def _patches(
    repository: Repository, old: str, new: str, files: Sequence[FileDiff]
) -> dict[tuple[str, str], str]:
    if not files:
        return {}
    paths = sorted({path for file in files for path in _name(file)})
    literal = {"GIT_LITERAL_PATHSPECS": "1"}
    output = repository.git(*OPTIONS, "-p", "--full-index", old, new, "--", *paths, env=literal)
    raw, _, text = output.partition(b"\0\0")
    entries = _entries(raw + b"\0")
    # Within a patch every line begins with one of " +-\\@", so that only a new file's head matches.
    parts = iter(("\n" + text.decode(errors="replace")).split("\ndiff --git ")[1:])
    patches = {}
    for entry in entries:
        patches[_name(entry)] = _hunks(next(parts))
        if entry.status == "T":  # a file that became a link, or a link a file: removed, then added
            patches[_name(entry)] += _hunks(next(parts))
    return patches


def _hunks(part: str) -> str:
    lines = part.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(("@@ ", "Binary files ")):
            return "\n".join(lines[number:]).rstrip("\n") + "\n"
    return ""


def _name(file: FileDiff) -> tuple[str, str]:
    return file.old_path, file.new_path
