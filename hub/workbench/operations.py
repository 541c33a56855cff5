"""What a person does with a checkout, in plain words, by git."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .git import GitError, Refused, blob, branch, git, head, lines
from .held_back import reason

PROJECTS = "projects"
NOTEBOOK_MERGE = (
    "merge.jupyternotebook.driver=git-nbmergedriver merge %O %A %B %L %P",
    "merge.jupyternotebook.name=notebooks",
)
ATTRIBUTES = "*.ipynb merge=jupyternotebook\n"
BEFORE_UPDATES = "What I had before getting updates"
BEFORE_RETURN = "What I had before going back"


def open_checkout(request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the checkout of a project, or find it; a folder of something else is left alone."""
    projects = Path.home() / PROJECTS
    projects.mkdir(exist_ok=True)
    for name in request["names"]:
        folder = projects / name
        if not folder.exists() and not folder.is_symlink():
            _clone(projects, name, request)
            return {"folder": f"{PROJECTS}/{name}", "new": True}
        if not folder.is_symlink() and _origin(folder) == request["origin"]:
            return {"folder": f"{PROJECTS}/{name}", "new": False}
    raise Refused(
        f"Your home has folders called {', '.join(request['names'])} below {PROJECTS} that hold something "
        "else. Rename one of them, then open the project again."
    )


def save_version(request: Mapping[str, Any]) -> dict[str, Any]:
    """Commit everything that changed, but for what is held back, and push it; make a tag when asked."""
    folder = _folder(request)
    on = branch(folder)
    held = _commit(folder, request["message"])
    saved = _push(folder, on)
    if tag := request.get("tag"):
        _tag(folder, tag, request["message"])
    return {"commit": head(folder), "changed": saved or bool(tag), "held_back": held}


def get_updates(request: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what is new in the person's fork and in its origin; their own work is kept, whatever happens."""
    folder = _folder(request)
    on = branch(folder)
    before = head(folder)
    held = _commit(folder, BEFORE_UPDATES)
    copies: list[dict[str, str]] = []
    for remote, name in (("origin", on), ("upstream", request["upstream_branch"])):
        if remote in git(folder, "remote").split():
            git(folder, "fetch", "--quiet", remote)
            copies += _merge(folder, f"{remote}/{name}")
    _push(folder, on)
    return {"commit": head(folder), "changed": head(folder) != before, "both_kept": copies, "held_back": held}


def go_back(request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the files what they were in an earlier version, as a new version: nothing in between is lost."""
    folder = _folder(request)
    on = branch(folder)
    _commit(folder, BEFORE_RETURN)
    git(folder, "fetch", "--quiet", "--tags", "origin")
    try:
        commit = git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{request['to']}^{{commit}}"
        ).strip()
    except GitError:
        raise Refused(f"There is no version “{request['to']}”.") from None
    git(folder, "read-tree", "-u", "--reset", commit)
    changed = bool(lines(folder, "status", "--porcelain", "-z"))
    if changed:
        git(folder, "commit", "--quiet", "--no-verify", "-m", f"Back to {request['to']}")
    _push(folder, on)
    return {"commit": head(folder), "changed": changed}


def status(request: Mapping[str, Any]) -> dict[str, Any]:
    """Say what has changed since the last version, and how far the fork is behind its origin."""
    folder = _folder(request)
    changed = [line[3:] for line in lines(folder, "status", "--porcelain", "-z", "--untracked-files=all")]
    return {"changed": changed[:200], "more": max(0, len(changed) - 200), "commit": head(folder)}


OPERATIONS = {
    "open": open_checkout,
    "save": save_version,
    "update": get_updates,
    "go_back": go_back,
    "status": status,
}


def _folder(request: Mapping[str, Any]) -> Path:
    folder: Path = Path.home() / request["folder"]
    if folder.is_symlink() or not (folder / ".git").is_dir():
        raise Refused("The checkout is not in your home any more. Open the project again to make it anew.")
    return folder


def _clone(projects: Path, name: str, request: Mapping[str, Any]) -> None:
    """Clone beside the place and move it there whole: a cut-off clone is never taken for a checkout."""
    partial = projects / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        git(projects, "clone", "--quiet", "--no-recurse-submodules", request["origin"], str(partial))
        if request.get("upstream"):
            git(partial, "remote", "add", "upstream", request["upstream"])
        partial.rename(projects / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _origin(folder: Path) -> str | None:
    try:
        return git(folder, "config", "--local", "--get", "remote.origin.url").strip()
    except (GitError, OSError):
        return None


def _commit(folder: Path, message: str) -> list[dict[str, str]]:
    """Commit what changed; return what was held back, with the reasons."""
    git(folder, "reset", "--quiet")
    held = []
    wanted = []
    for path in lines(folder, "ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"):
        why = reason(folder, path)
        if why is None:
            wanted.append(path)
        else:
            held.append({"path": path, "reason": why})
    if wanted:
        listed = folder / ".git" / "labfork-paths"
        listed.write_text(
            "".join(f"{path}\0" for path in dict.fromkeys(wanted)), encoding="utf-8", errors="surrogateescape"
        )
        git(
            folder,
            "--literal-pathspecs",
            "add",
            "--all",
            f"--pathspec-from-file={listed}",
            "--pathspec-file-nul",
        )
        listed.unlink()
    if lines(folder, "diff", "--cached", "--name-only", "-z"):
        git(folder, "commit", "--quiet", "--no-verify", "-m", message)
    return held


def _push(folder: Path, on: str) -> bool:
    """Push the branch, after merging what the fork has newer; return whether anything was new."""
    try:
        said = git(folder, "push", "--porcelain", "origin", f"HEAD:refs/heads/{on}")
    except GitError as error:
        if "fetch first" not in str(error) and "non-fast-forward" not in str(error):
            raise
        git(folder, "fetch", "--quiet", "origin")
        _merge(folder, f"origin/{on}")
        said = git(folder, "push", "--porcelain", "origin", f"HEAD:refs/heads/{on}")
    git(folder, "branch", "--quiet", f"--set-upstream-to=origin/{on}")
    return "[up to date]" not in said


def _tag(folder: Path, tag: str, message: str) -> None:
    try:
        git(folder, "tag", "-a", "-m", message, "--end-of-options", tag)
        git(folder, "push", "--quiet", "origin", f"refs/tags/{tag}")
    except GitError as error:
        if "already exists" in str(error):
            raise Refused(f"There is a version “{tag}” already. Choose another name.") from None
        raise


def _merge(folder: Path, other: str) -> list[dict[str, str]]:
    """Merge `other`; where it and the person changed the same place, keep both files and name the second."""
    attributes = folder / ".git" / "labfork-attributes"
    attributes.write_text(ATTRIBUTES, encoding="utf-8")
    config = [f"core.attributesFile={attributes}", "merge.conflictStyle=merge"]
    config += NOTEBOOK_MERGE if shutil.which("git-nbmergedriver") else ()
    try:
        git(folder, "merge", "--no-edit", "--no-verify", "--quiet", other, config=config)
    except GitError:
        conflicts = lines(folder, "diff", "--name-only", "--diff-filter=U", "-z")
        if not conflicts:
            raise
        copies = [_keep_both(folder, path, other) for path in conflicts]
        git(folder, "commit", "--quiet", "--no-verify", "--no-edit")
        return copies
    finally:
        attributes.unlink(missing_ok=True)
    return []


def _keep_both(folder: Path, path: str, other: str) -> dict[str, str]:
    """Settle one conflict: the person's file stays, the other lies beside it under a name that says so."""
    extension = PurePosixPath(path).suffix
    root, source = path.removesuffix(extension), other.replace("/", " ")
    copy, number = f"{root} (from {source}){extension}", 2
    while (folder / copy).exists():
        copy, number = f"{root} (from {source} {number}){extension}", number + 1
    mine, theirs = blob(folder, f":2:{path}"), blob(folder, f":3:{path}")
    kept = {"path": path, "other": ""}
    if theirs is not None and mine is not None:
        (folder / copy).write_bytes(theirs)
        kept["other"] = copy
    content = mine if mine is not None else theirs
    if content is None:
        git(folder, "--literal-pathspecs", "rm", "--quiet", "--cached", "--ignore-unmatch", "--", path)
        return kept
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    git(folder, "--literal-pathspecs", "add", "--", path, *([copy] if kept["other"] else []))
    return kept
