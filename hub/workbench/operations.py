"""What a person does with a checkout, in plain words, by git."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .alone import alone
from .changes import what_changed
from .committing import commit
from .forge import check_tag, fetch, fetch_source, is_there, push, push_tag
from .git import GitError, Refused, branch, commit_of, git, head, lines
from .history import versions
from .merging import Copies, merge, set_aside
from .submodules import notes

PROJECTS = "projects"
HERE = "127.0.0.1"  # where a sandbox finds the workspace
BEFORE_UPDATES = "What I had before getting updates"
BEFORE_RETURN = "What I had before going back"
LONGEST_SAID = 80


def open_checkout(request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the checkout of a project, or find it; a folder of something else is left alone."""
    projects = Path.home() / PROJECTS
    projects.mkdir(exist_ok=True)
    for name in request["names"]:
        folder = projects / name
        if not folder.exists() and not folder.is_symlink():
            _clone(projects, name, request)
            return {"folder": f"{PROJECTS}/{name}", "new": True}
        if not folder.is_symlink() and _is_checkout(folder, request):
            return {"folder": f"{PROJECTS}/{name}", "new": False}
    raise Refused(
        f"Your home has folders called {', '.join(request['names'])} below {PROJECTS} that hold something "
        "else. Rename one of them, then open the project again."
    )


def save_version(request: Mapping[str, Any]) -> dict[str, Any]:
    """Commit everything that changed, but for what is held back, and push it; make a tag when asked."""
    folder, message, tag = _folder(request), request["message"].strip(), request.get("tag")
    if not message:
        raise Refused("Say in a few words what changed. Nothing was saved.")
    with alone(folder):
        on = _begin(folder, request)
        if tag:
            check_tag(folder, tag)
        held = commit(folder, message, request.get("insist") or ())
        saved, copies = push(folder, on)
        if tag:
            push_tag(folder, tag, message)
        return _done(folder, saved or bool(tag), held, copies)


def get_updates(request: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what is new in the person's fork, in its origin, and in the repository from elsewhere it copies.

    Their own work is kept, whatever happens. `source` is where that repository is found, if there is one.
    """
    folder = _folder(request)
    with alone(folder):
        on = _begin(folder, request)
        before = head(folder)
        if request.get("upstream") and "upstream" not in git(folder, "remote").split():
            git(folder, "remote", "add", "upstream", request["upstream"])
        held = commit(folder, BEFORE_UPDATES)
        copies: Copies = []
        for remote, name in (("origin", on), ("upstream", request["upstream_branch"])):
            if remote in git(folder, "remote").split():
                fetch(folder, remote)
                if is_there(folder, f"{remote}/{name}"):
                    copies += merge(folder, f"{remote}/{name}")
        found, said = _merge_source(folder, request)
        copies += found + push(folder, on)[1]
        return _done(folder, head(folder) != before, held, copies, said)


def _called(folder: Path, name: str, found: str) -> str:
    """Return how people call a version that was asked for by `name`: a commit also by what was said of it."""
    if not found.startswith(name):
        return name
    said = git(folder, "log", "-1", "--format=%s", found).strip()
    return f"{found[:7]}: {said[:LONGEST_SAID]}"


def go_back(request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the files what they were in an earlier version, as a new version: nothing in between is lost."""
    folder, to = _folder(request), request["to"]
    with alone(folder):
        on = _begin(folder, request)
        fetch(folder, "origin", "--tags")
        earlier = commit_of(folder, to)
        if earlier is None:
            raise Refused(f"There is no version “{to}”. Choose one from the list of earlier versions.")
        held = commit(folder, BEFORE_RETURN)
        different = lines(
            folder, "diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", "HEAD", earlier
        )
        copies = set_aside(folder, different, earlier)
        git(folder, "read-tree", "-m", "-u", "HEAD", earlier)
        changed = bool(lines(folder, "diff", "--cached", "--name-only", "-z"))
        if changed:
            git(folder, "commit", "--quiet", "--no-verify", "-m", f"Back to {_called(folder, to, earlier)}")
        copies += push(folder, on)[1]
        return _done(folder, changed, held, copies)


def changes(request: Mapping[str, Any]) -> dict[str, Any]:
    """Say what differs between two versions, or between one and what lies in the checkout now."""
    folder = _folder(request)
    with alone(folder):
        found = what_changed(folder, request.get("before"), request.get("after"))
    return {"commit": head(folder), "notes": notes(folder), **found}


def history(request: Mapping[str, Any]) -> dict[str, Any]:
    """List the versions that the checkout has had, newest first."""
    return {"versions": versions(_folder(request))}


OPERATIONS = {
    "open": open_checkout,
    "save": save_version,
    "update": get_updates,
    "go_back": go_back,
    "changes": changes,
    "history": history,
}


def _merge_source(folder: Path, request: Mapping[str, Any]) -> tuple[Copies, list[str]]:
    """Merge the branch of the repository from elsewhere that the copy began at; return what to say beside."""
    if not request.get("source"):
        return [], []
    name = request["upstream_branch"]
    fetch_source(folder, request["source"])
    if is_there(folder, f"source/{name}"):
        return merge(folder, f"source/{name}"), []
    return [], [
        f"The repository that yours is a copy of has no branch {name}: your copy began at a fixed version, "
        "and stays there. In a terminal, git branch -r lists its branches, git merge brings one in."
    ]


def _done(
    folder: Path,
    changed: bool,
    held: list[dict[str, Any]],
    copies: Copies,
    said: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "commit": head(folder),
        "changed": changed,
        "held_back": held,
        "both_kept": copies,
        "notes": [*said, *notes(folder)],
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
        remote = _upstream(request["upstream"]) if request.get("upstream") else ()
        git(projects, "clone", "--quiet", "--no-recurse-submodules", *remote, request["origin"], str(partial))
        partial.rename(projects / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _upstream(address: str) -> tuple[str, ...]:
    """Return the options of a clone that knows the project it is a copy of, as `git remote add` has it."""
    settings = (
        f"remote.upstream.url={address}",
        "remote.upstream.fetch=+refs/heads/*:refs/remotes/upstream/*",
    )
    return tuple(part for setting in settings for part in ("--config", setting))


def _is_checkout(folder: Path, request: Mapping[str, Any]) -> bool:
    """Whether `folder` is a checkout of the project; git is told when the workspace listens elsewhere now."""
    known = _address(folder, "origin")
    if known is None or not (known == request["origin"] or _moved(known, request["origin"])):
        return False
    _follow_addresses(folder, request)
    return True


def _begin(folder: Path, request: Mapping[str, Any]) -> str:
    """Return the branch that an operation with the forge works on, once git knows where the forge is now."""
    on = branch(folder)
    _follow_addresses(folder, request)
    return on


def _follow_addresses(folder: Path, request: Mapping[str, Any]) -> None:
    """Tell git where the workspace's own forge is, if it is on another port than when git was last told."""
    now = urlsplit(request.get("origin") or "")
    for remote in ("origin", "upstream"):
        known = urlsplit(_address(folder, remote) or "")
        at_forge = known.hostname == now.hostname == HERE and _top(known.path) == _top(now.path)
        if at_forge and known.netloc != now.netloc:
            git(folder, "remote", "set-url", remote, known._replace(netloc=now.netloc).geturl())


def _top(path: str) -> str:
    """Return the first folder of an address; the forge has its own."""
    return path.lstrip("/").partition("/")[0]


def _moved(known: str, asked: str) -> bool:
    """Whether two addresses are of one repository of the workspace's own forge, on different ports."""
    before, after = urlsplit(known), urlsplit(asked)
    return before.hostname == after.hostname == HERE and before.path == after.path


def _address(folder: Path, remote: str) -> str | None:
    try:
        return git(folder, "config", "--local", "--get", f"remote.{remote}.url").strip()
    except (GitError, OSError):
        return None
