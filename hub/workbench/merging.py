"""Merges what others saved: what both changed in one place is kept twice, and nothing is written over."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from .alone import merging
from .git import GitError, Refused, blob, git, lines
from .names import free_name

Copies = list[dict[str, str]]
NOTEBOOK_MERGE = (
    "merge.jupyternotebook.driver=git-nbmergedriver merge %O %A %B %L %P",
    "merge.jupyternotebook.name=notebooks",
)
ATTRIBUTES = "*.ipynb merge=jupyternotebook\n"
LINK_TO_REPOSITORY = "160000"
WORDS = {
    "origin": "What was saved elsewhere",
    "upstream": "Updates of the project",
    "source": "Updates of the repository from elsewhere",
}


def merge(folder: Path, other: str) -> Copies:
    """Merge `other`; where it and the person changed the same place, keep both files and name the second."""
    copies = set_aside(folder, _incoming(folder, other), other)
    attributes = folder / ".git" / "labfork-attributes"
    attributes.write_text(ATTRIBUTES, encoding="utf-8")
    config = [f"core.attributesFile={attributes}", "merge.conflictStyle=merge"]
    config += NOTEBOOK_MERGE if shutil.which("git-nbmergedriver") else ()
    with merging(folder):
        try:
            words = WORDS[other.partition("/")[0]]
            git(folder, "merge", "--no-verify", "--quiet", "-m", words, other, config=config)
        except GitError:
            conflicts = lines(folder, "diff", "--name-only", "--diff-filter=U", "-z")
            if not conflicts:
                raise
            copies += [_keep_both(folder, path, other) for path in conflicts]
            git(folder, "commit", "--quiet", "--no-verify", "--no-edit")
        finally:
            attributes.unlink(missing_ok=True)
    return copies


def set_aside(folder: Path, incoming: list[str], other: str) -> Copies:
    """Give another name to files that no version holds and that `incoming`, of `other`, would replace."""
    unsaved = set(lines(folder, "ls-files", "-z", "--modified"))
    tracked = set(lines(folder, "ls-files", "-z"))
    copies = []
    for path in incoming:
        place = _taken(folder, path)
        if place is None or (place in tracked and place not in unsaved):
            continue
        if (folder / place).is_file() and blob(folder, f"{other}:{path}") == (folder / place).read_bytes():
            continue
        if (folder / place).is_dir() and any(name.startswith(f"{place}/") for name in tracked):
            continue
        mine = free_name(folder, place, "mine")
        (folder / place).rename(folder / mine)
        if place in tracked:
            git(folder, "--literal-pathspecs", "checkout", "--quiet", "--", place)
        copies.append({"path": mine, "other": place})
    return copies


def _taken(folder: Path, path: str) -> str | None:
    """Return what lies where `path` is to be: itself, or a file where one of its folders is to be."""
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        at = folder / parent
        if at.is_symlink() or (at.exists() and not at.is_dir()):
            return str(parent)
    at = folder / path
    return path if at.is_symlink() or at.exists() else None


def _incoming(folder: Path, other: str) -> list[str]:
    """Return the paths that `other` changed since it and the checkout were one."""
    try:
        base = git(folder, "merge-base", "HEAD", other).strip()
    except GitError:
        raise Refused(
            f"{other} has no beginning in common with your copy, so the two cannot be merged. An "
            "administrator of the project can tell why it was begun anew."
        ) from None
    return lines(folder, "diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", base, other)


def _keep_both(folder: Path, path: str, other: str) -> dict[str, str]:
    """Settle one conflict: the person's file stays, the other lies beside it under a name that says so."""
    stages = {}
    for line in lines(folder, "--literal-pathspecs", "ls-files", "--unmerged", "-z", "--", path):
        mode, name, stage = line.partition("\t")[0].split()
        stages[stage] = (mode, name)
    mine, theirs = stages.get("2"), stages.get("3")
    git(folder, "update-index", "--force-remove", "--", path)
    written = []
    if (kept := mine or theirs) is not None:
        written.append((path, *kept))
    copy = ""
    if mine and theirs and LINK_TO_REPOSITORY not in (mine[0], theirs[0]):
        copy = free_name(folder, path, f"from {other.replace('/', ' ')}")
        written.append((copy, *theirs))
    for place, mode, name in written:
        git(folder, "update-index", "--add", "--cacheinfo", f"{mode},{name},{place}")
        git(folder, "checkout-index", "--force", "--", place)
    return {"path": path, "other": copy}
