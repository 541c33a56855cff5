"""Makes a version of what lies in a checkout, but for what is held back."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from .git import git, lines
from .held_back import reason
from .outputs import follow_setting

CHECKPOINTS = ".ipynb_checkpoints/"  # JupyterLab's own copies, beside each document that it saves
CHANGED = (
    *("ls-files", "-z", "--modified", "--deleted"),
    *("--others", "--exclude-standard", f"--exclude={CHECKPOINTS}"),
)


def commit(folder: Path, message: str, insisted: Collection[str] = ()) -> list[dict[str, Any]]:
    """Commit what changed; return what was held back, with the reasons.

    What its person insists on is committed all the same, where that can be insisted on.
    """
    follow_setting(folder)
    git(folder, "reset", "--quiet")
    held, wanted = [], []
    for path in dict.fromkeys(lines(folder, *CHANGED)):
        why = reason(folder, path)
        if why is None or (why.may_insist and path in insisted):
            wanted.append(path)
        else:
            held.append({"path": path, "reason": why.words, "may_insist": why.may_insist})
    if wanted:
        _stage(folder, wanted)
    if lines(folder, "diff", "--cached", "--name-only", "-z"):
        git(folder, "commit", "--quiet", "--no-verify", "--cleanup=whitespace", "-m", message)
    return held


def _stage(folder: Path, paths: list[str]) -> None:
    listed = folder / ".git" / "labfork-paths"
    listed.write_text("".join(f"{path}\0" for path in paths), encoding="utf-8", errors="surrogateescape")
    git(
        folder,
        "--literal-pathspecs",
        "add",
        "--all",
        f"--pathspec-from-file={listed}",
        "--pathspec-file-nul",
    )
    listed.unlink()
