"""Puts small projects onto the forge of a running workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gitlab
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from deploy.in_force import load
from tests.conftest import RunningWorkspace

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook(*code: str, parameters: str = "n = 1", kernelspec: Mapping[str, str] | None = None) -> str:
    """Return the text of a notebook: a heading, a cell of `parameters`, then one cell for each `code`."""
    cells = [
        new_markdown_cell("# A small notebook"),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *(new_code_cell(source) for source in code),
    ]
    return nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": dict(kernelspec or PYTHON)}))


def forge_of(workspace: RunningWorkspace) -> gitlab.Gitlab:
    """Return a client of the workspace's forge with its administrator's token."""
    settings = load(workspace.home).settings().forge
    return gitlab.Gitlab(settings.url, private_token=settings.token.get_secret_value(), keep_base_url=True)


def publish(workspace: RunningWorkspace, name: str, files: Mapping[str, str], *, group: str = "tests") -> str:
    """Make the public project `group/name` with `files` (path to text), and return its path.

    `requirements.txt` is added empty where `files` has none, so that all of them share one environment.
    """
    forge = forge_of(workspace)
    found = [g for g in forge.groups.list(search=group, get_all=True) if g.path == group]
    owner = found[0] if found else forge.groups.create({"name": group, "path": group, "visibility": "public"})
    project = forge.projects.create({"name": name, "namespace_id": owner.id, "visibility": "public"})
    commit(project, {"requirements.txt": "", **files})
    return f"{group}/{name}"


def commit(project: Any, files: Mapping[str, str]) -> None:
    """Add `files` to the main branch of a python-gitlab `project` in one commit."""
    actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
    project.commits.create({"branch": "main", "commit_message": "Add files", "actions": actions})
