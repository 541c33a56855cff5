"""What becomes of two lines of commits: where they part, whether they merge, and the merge."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deploy.forge.git.repository import Repository

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """Return the newest commit that both have, or None."""
    return repository.git("merge-base", one, other, ok=(0, 1)).decode().strip() or None


def contains(repository: Repository, newer: str, older: str) -> bool:
    """Whether `older` is `newer` or one of its ancestors."""
    return not repository.git("rev-list", "--max-count=1", older, f"^{newer}")


def merged_tree(repository: Repository, ours: str, theirs: str) -> str | None:
    """Return the tree of the merge of two commits; None where they conflict or have nothing in common."""
    if merge_base(repository, ours, theirs) is None:
        return None
    options = ("--write-tree", "--name-only", "--no-messages", "-z")
    tree, *conflicts = repository.git("merge-tree", *options, ours, theirs, ok=(0, 1)).split(b"\0")[:-1]
    return None if conflicts else tree.decode().strip()


def commit_tree(
    repository: Repository, tree: str, parents: Sequence[str], message: str, author: tuple[str, str]
) -> str:
    """Write a commit, which no ref names yet, and return it."""
    name, email = (re.sub(r"[<>\n\0]", "", part).strip() or "unknown" for part in author)
    roles = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
             for field, value in (("NAME", name), ("EMAIL", email))}  # fmt: skip
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    return repository.git("commit-tree", tree, *arguments, stdin=message.encode(), env=roles).decode().strip()
