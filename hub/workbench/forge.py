"""Talks to the forge by git, and says in plain words what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

from .git import GitError, Refused, commit_of, git
from .merging import Copies, merge

TRIES = 3
NEWER = ("fetch first", "non-fast-forward", "cannot lock ref")
GONE = re.compile(r"not found|does not exist|does not appear to be a git repository|could not be found", re.I)
AWAY = re.compile(r"unable to access|could not resolve|connection (refused|reset)|timed out|hung up", re.I)
REFUSED = re.compile(r"authentication failed|returned error: 40[13]|not allowed|protected branch", re.I)


def fetch(folder: Path, remote: str, *more: str) -> None:
    """Fetch what is new; Refused in plain words when the forge does not give it."""
    try:
        git(folder, "fetch", "--quiet", *more, remote)
    except GitError as error:
        raise _in_words(folder, remote, error) from None


def fetch_source(folder: Path, address: str) -> None:
    """Fetch the branches that the repository from elsewhere has now, as `source/BRANCH`, from `address`."""
    try:
        git(folder, "fetch", "--quiet", "--prune", address, "+refs/heads/*:refs/remotes/source/*")
    except GitError as error:
        raise Refused(
            f"What was fetched from elsewhere could not be read. Try again. git said: {error}"
        ) from None


def is_there(folder: Path, name: str) -> bool:
    """Whether a branch such as `origin/main` is there, as far as it was fetched."""
    return commit_of(folder, f"refs/remotes/{name}") is not None


def push(folder: Path, on: str) -> tuple[bool, Copies]:
    """Push the branch, after merging what the fork has newer.

    Returns whether anything was new, and which files that merge kept twice.
    """
    copies: Copies = []
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            said = git(folder, "push", "--porcelain", "--no-verify", "origin", f"HEAD:refs/heads/{on}")
        except GitError as error:
            if last or not any(words in str(error) for words in NEWER):
                raise _in_words(folder, "origin", error) from None
            fetch(folder, "origin")
            copies += merge(folder, f"origin/{on}")
        else:
            git(folder, "branch", "--quiet", f"--set-upstream-to=origin/{on}")
            return "[up to date]" not in said, copies
    raise AssertionError("the last try returns or raises")


def check_tag(folder: Path, tag: str) -> None:
    """Raise Refused when no version can be called `tag`."""
    try:
        git(folder, "check-ref-format", f"refs/tags/{tag}")
        well_formed = not tag.startswith("-")
    except (GitError, ValueError):
        well_formed = False
    if not well_formed:
        raise Refused(
            f"A version cannot be called “{tag}”. Use letters, digits, dots and hyphens, such as v1.1. "
            "Nothing was saved."
        )
    try:
        taken = git(folder, "ls-remote", "--tags", "origin", f"refs/tags/{tag}")
    except GitError as error:
        raise _in_words(folder, "origin", error) from None
    if taken or commit_of(folder, f"refs/tags/{tag}"):
        raise Refused(f"There is a version “{tag}” already. Choose another name. Nothing was saved.")


def push_tag(folder: Path, tag: str, message: str) -> None:
    """Name the version and push the name; a name that the forge does not take is taken back."""
    git(folder, "tag", "-a", "-m", message, "--end-of-options", tag)
    try:
        git(folder, "push", "--quiet", "--no-verify", "origin", f"refs/tags/{tag}")
    except GitError as error:
        git(folder, "tag", "--delete", tag)
        if "already exists" in str(error):
            raise Refused(
                f"The version is saved, but there is a version “{tag}” already. Save again with another name."
            ) from None
        raise _in_words(folder, "origin", error) from None


def _in_words(folder: Path, remote: str, error: GitError) -> Exception:
    """Return what to tell a person of git's failure with a remote: plain words, or git's own."""
    said = str(error)
    address = git(folder, "config", "--get", f"remote.{remote}.url").strip()
    what = "Your copy of the project" if remote == "origin" else "The project that yours is a copy of"
    kept = "Your work is kept in your home, nothing is lost."
    if REFUSED.search(said):
        return Refused(
            f"{what} cannot be used with your account any more ({address}). {kept} git said: {said}"
        )
    if GONE.search(said):
        remedy = "Open the project again from its page: that makes a new copy there; then try again."
        if remote != "origin":
            remedy = "Ask its owners; until then go on with Save version."
        return Refused(f"{what} is not on the forge any more ({address}). {kept} {remedy}")
    if AWAY.search(said):
        return Refused(
            f"The forge does not answer now. {kept} Try again in a moment. git said: {said[-300:]}"
        )
    return error
