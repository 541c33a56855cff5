"""Runs git for a person, in their own checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 1500


class GitError(Exception):
    """A git command that failed; the message is what git said."""


class Refused(Exception):  # noqa: N818 - what happens, as people say it
    """Something that cannot be done; the message says why and what to do."""


def git(folder: Path, *arguments: str, config: Sequence[str] = ()) -> str:
    """Run git in `folder` and return what it wrote; GitError with its words when it fails."""
    options = [part for setting in config for part in ("-c", setting)]
    done = _run(folder, *options, *arguments)
    if done.returncode != 0:
        raise GitError(os.fsdecode(done.stderr + done.stdout).strip()[-1500:])
    return os.fsdecode(done.stdout)


def blob(folder: Path, name: str) -> bytes | None:
    """Return the bytes of a file as git knows it by `name`, such as `:2:a.txt`; None where there is none."""
    done = _run(folder, "cat-file", "blob", name)
    return done.stdout if done.returncode == 0 else None


def lines(folder: Path, *arguments: str) -> list[str]:
    """Return what a git command lists, NUL-separated (`-z` is among `arguments`)."""
    return [line for line in git(folder, *arguments).split("\0") if line]


def branch(folder: Path) -> str:
    """Return the branch that is checked out; Refused while it is none, or a merge or rebase is under way."""
    inside = Path(git(folder, "rev-parse", "--absolute-git-dir").strip())
    for name, words in (("rebase-merge", "rebase"), ("rebase-apply", "rebase"), ("MERGE_HEAD", "merge")):
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


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "GIT_EDITOR": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


def head(folder: Path) -> str:
    """Return the commit that is checked out."""
    return git(folder, "rev-parse", "HEAD").strip()
