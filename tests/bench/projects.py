"""The projects a benchmark runs."""

from __future__ import annotations

import gitlab
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from deploy.in_force import load
from tests.conftest import RunningWorkspace


def trivial_notebook() -> nbformat.NotebookNode:
    """Return a notebook of two cells that does next to nothing."""
    parameters = new_code_cell("n = 1", metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=[parameters, new_code_cell("n + 1")], metadata={"kernelspec": kernel})


def publish_trivial(workspace: RunningWorkspace) -> str:
    """Put the trivial notebook into a public project on the embedded forge, and return the project's path."""
    settings = load(workspace.home).settings().forge
    forge = gitlab.Gitlab(settings.url, private_token=settings.token.get_secret_value(), keep_base_url=True)
    group = forge.groups.create({"name": "Bench", "path": "bench", "visibility": "public"})
    project = forge.projects.create({"name": "trivial", "namespace_id": group.id, "visibility": "public"})
    project.commits.create(
        {
            "branch": "main",
            "commit_message": "A notebook that does next to nothing",
            "actions": [
                {
                    "action": "create",
                    "file_path": "trivial.ipynb",
                    "content": nbformat.writes(trivial_notebook()),
                },
                {"action": "create", "file_path": "requirements.txt", "content": ""},
            ],
        }
    )
    return "bench/trivial"
