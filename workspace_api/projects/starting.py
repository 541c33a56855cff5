"""What a new project is called and begins with: the files of a template, or a first notebook of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from workspace_api.errors import FieldError

LONGEST_NAME = 63
LONGEST_TITLE = 120
LEFT_OUT = frozenset({"__pycache__", ".ipynb_checkpoints", ".git"})
NAME = re.compile(r"[a-z0-9][a-z0-9]*([._-][a-z0-9]+)*")
# What GitLab keeps for its own pages.
RESERVED = frozenset(
    {
        *(
            "badges",
            "blame",
            "blob",
            "builds",
            "commits",
            "create",
            "create_dir",
            "edit",
            "files",
            "find_file",
        ),
        *("new", "preview", "raw", "refs", "tree", "update", "wikis"),
    }
)
TITLE_LINE = re.compile(r"^title:.*$", re.MULTILINE)
MANIFEST = "workspace.yaml"
NOTEBOOK = "01_first.ipynb"


def name_errors(name: str) -> list[FieldError]:
    """Return why no project may be called `name`."""
    if not name:
        return [FieldError("name", "A name is needed: it becomes part of the project's address.")]
    if len(name) > LONGEST_NAME:
        return [FieldError("name", f"The name has {len(name)} characters; {LONGEST_NAME} is the most.")]
    if not NAME.fullmatch(name) or name.endswith((".git", ".atom")):
        words = (
            f"“{name[:80]}” cannot be a name: use small letters and digits, with single hyphens, dots or "
            "underscores between them, and no .git at its end."
        )
        return [FieldError("name", words)]
    if name in RESERVED:
        return [FieldError("name", f"“{name}” is reserved for the forge itself; choose another name.")]
    return []


def title_errors(title: str) -> list[FieldError]:
    """Return why no project may have this title."""
    if len(title) > LONGEST_TITLE:
        words = f"The title has {len(title)} characters; {LONGEST_TITLE} is the most."
        return [FieldError("title", words)]
    if not title.isprintable():
        return [FieldError("title", "The title has characters that cannot be shown; type it again.")]
    return []


def templates_in(folder: Path) -> Mapping[str, str]:
    """Return the templates below `folder`, by name, each with its title."""
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    return {template.name: _title(template) for template in found}


def template_files(template: Path, title: str) -> dict[str, bytes]:
    """Return the files of a template, its `workspace.yaml` with another title."""
    files = {}
    for path in sorted(template.rglob("*")):
        inside = path.relative_to(template)
        if path.is_file() and not LEFT_OUT & set(inside.parts) and path.suffix != ".pyc":
            files[inside.as_posix()] = path.read_bytes()
    manifest = files[MANIFEST].decode()
    line = f"title: {json.dumps(title, ensure_ascii=False)}"
    files[MANIFEST] = TITLE_LINE.sub(lambda _: line, manifest, count=1).encode()
    return files


def empty_files(title: str) -> dict[str, bytes]:
    """Return what a project begins with that has no template: one notebook that is a worksheet already."""
    quoted = json.dumps(title, ensure_ascii=False)
    texts = {
        "README.md": f"# {title}\n\nSay here what this project is for.\n",
        MANIFEST: (
            f"title: {quoted}\n"
            "summary: Say in a sentence what it answers.\n"
            "worksheets:\n"
            f"  - notebook: {NOTEBOOK}\n"
            "    title: A first worksheet\n"
            "    parameters:\n"
            "      name: {type: string, title: Name, minLength: 1}\n"
            "      times: {type: integer, title: How often, minimum: 1, maximum: 100}\n"
        ),
        "requirements.txt": "# One package a line, such as pandas==2.2.3\n",
        NOTEBOOK: json.dumps(_notebook(), indent=1) + "\n",
    }
    return {name: text.encode() for name, text in texts.items()}


def _notebook() -> dict[str, object]:
    def cell(number: int, kind: str, source: str, **metadata: object) -> dict[str, object]:
        made: dict[str, object] = {
            "id": f"first-{number}",
            "cell_type": kind,
            "metadata": metadata,
            "source": source,
        }
        return made if kind == "markdown" else {**made, "execution_count": None, "outputs": []}

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [
            cell(1, "markdown", "# A first worksheet\n\nThe cell below becomes the form."),
            cell(2, "code", 'name = "world"\ntimes = 3', tags=["parameters"]),
            cell(3, "markdown", "## Result"),
            cell(4, "code", 'for _ in range(times):\n    print(f"Hello, {name}!")'),
        ],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _title(template: Path) -> str:
    match = TITLE_LINE.search((template / MANIFEST).read_text(encoding="utf-8"))
    return match[0].partition(":")[2].strip().strip("\"'") if match else template.name
