"""Reads the notebook that is to be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import RefusedError

DAMAGED = "Restore an earlier version of it, or open it in the workspace and save it again."


def find_notebook(project: Path, notebook: str) -> Path:
    """Return the notebook's path; raise :class:`RefusedError` when it is outside the project or not there."""
    root = project.resolve()
    path = (root / notebook).resolve()
    if not path.is_relative_to(root):
        raise RefusedError(f"The notebook {notebook!r} is outside the project. Name one that is part of it.")
    if not path.is_file():
        raise RefusedError(f"The project has no notebook {notebook!r}. Check its name and folder.")
    return path


def read_notebook(path: Path) -> Any:
    """Return the notebook in ``path`` in the current format (an ``nbformat.NotebookNode``).

    Raises :class:`RefusedError` when the file is not JSON or not a notebook.
    """
    import nbformat
    from papermill.iorw import load_notebook_node

    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"{path.name} is not a notebook: it cannot be read as JSON ({error}). {DAMAGED}"
        ) from error
    if not isinstance(content, dict) or "nbformat" not in content:
        raise RefusedError(f"{path.name} is JSON but not a notebook: it has no 'nbformat'. {DAMAGED}")
    try:
        notebook = load_notebook_node(str(path))
        nbformat.validate(notebook)
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RefusedError(f"{path.name} is not a valid notebook: {reason}. {DAMAGED}") from error
    return notebook
