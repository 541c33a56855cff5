"""Whether the versions of a project keep the outputs of its notebooks, as its `workspace.yaml` says."""

from __future__ import annotations

import re
from pathlib import Path

from .git import git
from .stripping import FILTER

ATTRIBUTE = f"*.ipynb filter={FILTER}"
SETTING = re.compile(rb"^outputs:[ \t]*[\"']?(keep|strip)[\"']?[ \t]*(#.*)?\r?$", re.MULTILINE)
LONGEST_SETTINGS = 1_000_000


def follow_setting(folder: Path) -> bool:
    """Have git see the checkout's notebooks as its `workspace.yaml` says; return whether without outputs."""
    attributes = folder / ".git" / "info" / "attributes"
    before = attributes.read_text(encoding="utf-8").splitlines() if attributes.exists() else []
    after = [line for line in before if line != ATTRIBUTE]
    strips = _strips(folder)
    if strips:
        after.append(ATTRIBUTE)
    if after == before:
        return strips
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("".join(f"{line}\n" for line in after), encoding="utf-8")
    git(folder, "read-tree", "HEAD")  # an index that knows no times: git compares every file anew
    return strips


def _strips(folder: Path) -> bool:
    settings = folder / "workspace.yaml"
    if not settings.is_file():
        return False
    with settings.open("rb") as file:
        return not keeps_outputs(file.read(LONGEST_SETTINGS))


def keeps_outputs(text: bytes) -> bool:
    """Whether the text of a `workspace.yaml` has versions keep outputs, found without a reader of YAML."""
    found = SETTING.search(text)
    return found is None or found[1] == b"keep"
