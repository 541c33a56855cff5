"""Notebooks to be read without running them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname
from typing import Any, Literal

from markupsafe import Markup
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from landing.markdown import render_markdown
from workspace_api.worksheets.parameters import TAG, language_of, read_notebook

MOST_CELLS = 500
MOST_TEXT = 100_000
LEFT_OUT = "\n… the rest of this cell is left out."
_FORMAT = HtmlFormatter(nowrap=True, classprefix="hl-")


@dataclass(frozen=True)
class Cell:
    """One cell: `html` is safe to show; `parameters` marks the cell that becomes the form."""

    kind: Literal["text", "code"]
    html: Markup
    parameters: bool = False


@dataclass(frozen=True)
class NotebookView:
    """What is shown of a notebook; `more` says how many cells are left out."""

    cells: list[Cell]
    language: str
    more: int


def notebook_view(data: bytes, project: str, commit: str, path: str) -> NotebookView:
    """Return a notebook's cells as HTML; raises NotebookError for what is no notebook."""
    notebook = read_notebook(data)
    language = language_of(notebook)
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    shown = [_cell(cell, language, project, commit, dirname(path)) for cell in cells[:MOST_CELLS]]
    return NotebookView(shown, language, max(0, len(cells) - MOST_CELLS))


def _cell(cell: Mapping[str, Any], language: str, project: str, commit: str, folder: str) -> Cell:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    if len(text) > MOST_TEXT:
        text = text[:MOST_TEXT] + LEFT_OUT
    if cell.get("cell_type") == "markdown":
        return Cell("text", render_markdown(text, project, commit, folder))
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return Cell("code", code_html(text, language), isinstance(tags, list) and TAG in tags)


def code_html(text: str, language: str) -> Markup:
    """Return code, escaped, with classes for its colours where the language is known."""
    try:
        lexer = get_lexer_by_name(language.lower())
    except ClassNotFound:
        return Markup("{}").format(text)
    return Markup(highlight(text, lexer, _FORMAT))  # noqa: S704 - pygments escapes what it is given
