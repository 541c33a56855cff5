"""Notebooks to be read without running them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname
from typing import Any, Literal

from markupsafe import Markup
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

from landing.markdown import render_markdown
from workspace_api.worksheets.parameters import TAG, language_of, read_notebook
from workspace_api.worksheets.plain import plain

MOST_CELLS = 500
MOST_SHOWN = 300_000  # of all cells together
MOST_TEXT = 100_000
LEFT_OUT = "\n… the rest of this cell is left out."
COLOURED = frozenset({"python", "r", "julia"})
MOST_COLOURED = 10_000
# Lexers try every length of a gap before they give up, so that a page of blanks would take them minutes.
_GAP = re.compile(r"\s{200}")
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
    shown, length = [], 0
    for cell in cells[:MOST_CELLS]:
        text = _text(cell)
        length += len(text)
        if length > MOST_SHOWN:
            break
        shown.append(_cell(cell, text, language, project, commit, dirname(path)))
    return NotebookView(shown, language, len(cells) - len(shown))


def _text(cell: Mapping[str, Any]) -> str:
    """Return what a cell says, as far as it is shown."""
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return str(plain(text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + LEFT_OUT))


def _cell(cell: Mapping[str, Any], text: str, language: str, project: str, commit: str, folder: str) -> Cell:
    if cell.get("cell_type") == "markdown":
        return Cell("text", render_markdown(text, project, commit, folder))
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return Cell("code", code_html(text, language), isinstance(tags, list) and TAG in tags)


def code_html(text: str, language: str) -> Markup:
    """Return code, escaped; with classes for its colours where it is short and its language known."""
    if language not in COLOURED or len(text) > MOST_COLOURED or _GAP.search(text):
        return Markup("{}").format(text)
    lexer = get_lexer_by_name(language)
    return Markup(highlight(text, lexer, _FORMAT))  # noqa: S704 - pygments escapes what it is given
