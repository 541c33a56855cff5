"""What is known of a run while it runs: which cell, under which heading, what it has shown, saved where."""

from __future__ import annotations

from typing import Any

from .events import EventLog
from .headings import headings_by_cell
from .notebook_file import NotebookFile
from .output_limit import OutputBudget


def runs(cell: Any) -> bool:
    """Whether executing ``cell`` does anything."""
    return bool(cell["cell_type"] == "code" and cell["source"].strip())


class Recorder:
    """Turns what happens to the cells into events and saved notebooks.

    ``cell`` and ``cells`` of the events count the cells that run, from 1; the cell with the injected
    parameters is one of them.
    """

    def __init__(self, notebook: Any, file: NotebookFile, events: EventLog, budget: OutputBudget) -> None:
        self.notebook = notebook
        self.budget = budget
        self._file = file
        self._events = events
        self._headings = headings_by_cell(notebook.cells)
        running = [index for index, cell in enumerate(notebook.cells) if runs(cell)]
        self._ordinals = {index: ordinal for ordinal, index in enumerate(running, start=1)}
        self._current: int | None = None

    def started(self) -> None:
        """Say that the run begins."""
        self._events.write("started", cells=len(self._ordinals))

    def cell_started(self, index: int) -> None:
        """Say that the cell at ``index`` of the notebook begins."""
        self._current = index
        self._events.write("cell", **self.position(), cells=len(self._ordinals), heading=self.heading())

    def position(self) -> dict[str, int]:
        """Return the running cell as ``{"cell": i}``; {} before the first."""
        return {} if self._current is None else {"cell": self._ordinals[self._current]}

    def heading(self) -> str:
        """Return the heading above the running cell, or ''."""
        return "" if self._current is None else self._headings[self._current]

    def changed(self) -> None:
        """Note that the notebook changed; it is saved now and then."""
        self._file.autosave(self.notebook)

    def save(self) -> None:
        """Save the notebook as it is now."""
        self._file.save(self.notebook)
