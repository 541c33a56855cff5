"""The HTML report: results and prose of an executed notebook in one file that needs no other host."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from jinja2.bccache import Bucket
from nbconvert.exporters.html import HTMLExporter
from nbformat.validator import get_validator
from traitlets.config import Config

from .fragment import figure_words, harmless
from .headings import headings_by_cell, headings_in
from .outcome import Outcome
from .parameters import default_parameters, shown
from .plain_text import bounded
from .request import Request

NAME = "labfork"
# The richest form that needs no script comes first.
DISPLAY_PRIORITY = [
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "application/javascript",
    "text/plain",
    "application/vnd.jupyter.widget-view+json",
]
HIDDEN_CELL_TAGS = {"remove-cell", "remove_cell"}
HIDDEN_OUTPUT_TAGS = {"remove-output", "remove_output"}
NOTEBOOK_FORMATS = ((4, 4), (4, 5))  # that notebooks have nowadays


class CompiledTemplates(jinja2.BytecodeCache):
    """Templates that this process, or the one it is a fork of, has compiled.

    They are known by name, wherever they lie; Jinja compares the source before it uses one.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the template's name."""
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill `bucket` with a template that was compiled before."""
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


compiled_templates = CompiledTemplates()


def write_report(request: Request, notebook: Any, outcome: Outcome, heading: str) -> None:
    """Write ``report.html`` into the result folder, whole or not at all; raise OSError when the disk refuses.

    ``heading`` is where the run stopped, if it did.
    """
    html = render(request, notebook, outcome, heading)
    partial = request.result / ".report.html.partial"
    partial.write_text(html, "utf-8", "replace")
    partial.replace(request.result / "report.html")


def render(request: Request, notebook: Any, outcome: Outcome, heading: str) -> str:
    """Return the report as one HTML page."""
    title = request.title or first_heading(notebook.cells) or Path(request.notebook).stem
    resources = {
        "report": {
            "title": title,
            "stylesheet": (templates() / NAME / "report.css").read_text("utf-8"),
            "notices": request.notices,
            "problem": problem(outcome, heading),
            "parameters": parameter_rows(request, notebook.cells),
            "facts": request.facts,
        }
    }
    page, _ = exporter().from_notebook_node(presentable(notebook), resources)
    return str(page)


def rehearse() -> None:
    """Render a small report and forget it: what libraries make at their first use is then made."""
    for version, minor in NOTEBOOK_FORMATS:
        for relaxed in (False, True):
            get_validator(version, minor, relax_add_props=relaxed)  # type: ignore[no-untyped-call]
    ran = {"metadata": {}, "execution_count": 1}
    output = {"output_type": "execute_result", "data": {"text/plain": "2"}, **ran}
    cells = [
        {"cell_type": "markdown", "source": "# A title\n\nSome *words*.", "metadata": {}},
        {"cell_type": "code", "source": "1 + 1", "outputs": [output], **ran},
    ]
    written = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    request = Request(project=Path(), notebook="rehearsal.ipynb", result=Path())
    render(request, nbformat.from_dict(written), Outcome(0), "")  # type: ignore[no-untyped-call]


def templates() -> Path:
    """Return where the package's templates are now: it may have been loaded before it was mounted here."""
    return Path(sys.modules[__package__].__path__[0]) / "templates"


def exporter() -> Any:
    """Return the exporter: our template, no code, no prompts, no links to other hosts."""
    config = Config()
    config.NbConvertBase.display_data_priority = DISPLAY_PRIORITY
    config.HTMLExporter.exclude_anchor_links = True
    made = HTMLExporter(
        config=config,
        template_name=NAME,
        extra_template_basedirs=[str(templates())],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    made.environment.bytecode_cache = compiled_templates
    made.register_filter("bounded", bounded)
    made.register_filter("harmless", harmless)
    return made


def problem(outcome: Outcome, heading: str) -> dict[str, str] | None:
    """Return what the report says of a run that did not reach its end; None for one that did."""
    if not outcome.event:
        return None
    at = f" at “{heading}”" if heading else ""
    if outcome.event == "stopped":
        return {"summary": f"This run was stopped{at}. Below is what it had shown so far."}
    words = f"This run ended early{at}. Below is what it had shown so far."
    return {
        "summary": words,
        "message": f"{outcome.error}: {outcome.message}",
        "traceback": outcome.traceback,
    }


def parameter_rows(request: Request, cells: list[Any]) -> list[tuple[str, str]]:
    """Return (title, value) of every parameter, the notebook's defaults included."""
    resolved = {**default_parameters(cells), **request.parameters}
    return [(request.parameter_titles.get(name, name), shown(value)) for name, value in resolved.items()]


def first_heading(cells: list[Any]) -> str:
    """Return the first heading of the notebook, or ''."""
    return next((name for name in headings_by_cell(cells) if name), "")


def presentable(notebook: Any) -> Any:
    """Return a copy of the notebook as the report shows it.

    The opening title is left out, since the report has its own; cells tagged ``remove-cell`` and outputs of
    cells tagged ``remove-output`` are left out. Each cell's metadata says under which ``heading`` it
    stands.
    """
    shown_notebook = copy.copy(notebook)
    shown_notebook.cells = []
    for cell, heading in zip(notebook.cells, headings_by_cell(notebook.cells), strict=True):
        tags = set(cell.metadata.get("tags", []))
        if tags & HIDDEN_CELL_TAGS:
            continue
        cell = copy.copy(cell)  # noqa: PLW2901 - the executed notebook itself stays as it is
        cell.metadata = {**cell.metadata, "heading": heading, "alt": figure_words(heading)}
        if cell.cell_type == "code" and tags & HIDDEN_OUTPUT_TAGS:
            cell.outputs = []
        elif cell.cell_type == "markdown" and not shown_notebook.cells:
            cell.source = without_opening_title(cell.source)
        shown_notebook.cells.append(cell)
    return shown_notebook


def without_opening_title(markdown: str) -> str:
    """Return ``markdown`` without a first-level heading on its first line."""
    first, _, rest = markdown.lstrip().partition("\n")
    return rest if first.startswith("# ") and headings_in(first) else markdown
