"""Runs git for a person, in their own checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 1500
# A checkout's own settings are its person's, and their programs run in this sandbox alone. These would still
# change what an operation means, or make it fail without a word.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.bigFileThreshold=8m",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "merge.ff=true",
    "merge.verifySignatures=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
)
UNDER_WAY = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}


class GitError(Exception):
    """A git command that failed; the message is what git said."""


class Refused(Exception):  # noqa: N818 - what happens, as people say it
    """Something that cannot be done; the message says why and what to do."""


def git(folder: Path, *arguments: str, config: Sequence[str] = (), index: Path | None = None) -> str:
    """Run git in `folder` and return what it wrote; GitError with its words when it fails.

    With `index` git works on that index in place of the checkout's own.
    """
    options = [part for setting in config for part in ("-c", setting)]
    done = _run(folder, *options, *arguments, index=index)
    if done.returncode != 0:
        raise GitError(os.fsdecode(done.stderr + done.stdout).strip()[-1500:])
    return os.fsdecode(done.stdout)


def blob(folder: Path, name: str) -> bytes | None:
    """Return the bytes of a file as git knows it by `name`, such as `:2:a.txt`; None where there is none."""
    done = _run(folder, "cat-file", "blob", name)
    return done.stdout if done.returncode == 0 else None


def lines(folder: Path, *arguments: str, index: Path | None = None) -> list[str]:
    """Return what a git command lists, NUL-separated (`-z` is among `arguments`)."""
    return [line for line in git(folder, *arguments, index=index).split("\0") if line]


def commit_of(folder: Path, name: str) -> str | None:
    """Return the commit that `name` stands for, or None; what looks like an option of git stands for none."""
    try:
        return git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        ).strip()
    except (GitError, ValueError):  # a name with a NUL in it is none
        return None


def branch(folder: Path) -> str:
    """Return the branch that is checked out; Refused while it is none, or a merge or rebase is under way."""
    inside = Path(git(folder, "rev-parse", "--absolute-git-dir").strip())
    for name, words in UNDER_WAY.items():
        if (inside / name).exists():
            raise Refused(
                f"A {words} is under way in this checkout. Finish it or give it up in a terminal "
                f"(git {words} --abort), then try again."
            )
    try:
        return git(folder, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    except GitError:
        raise Refused(
            "The checkout shows an earlier version and is on no branch. Go on with it in a terminal "
            "(git switch -c NAME), or leave it (git switch main), then try again."
        ) from None


def _run(folder: Path, *arguments: str, index: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    ours = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "GIT_EDITOR": "true"}
    other_index = {"GIT_INDEX_FILE": str(index)} if index else {}
    return subprocess.run(
        ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *arguments],
        cwd=folder,
        env={**os.environ, **ours, **other_index},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


def head(folder: Path) -> str:
    """Return the commit that is checked out."""
    return git(folder, "rev-parse", "HEAD").strip()
