"""How far a long piece of work has come: a bar in notebooks, a line in a terminal."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from tqdm.std import tqdm

SECONDS_BETWEEN = 0.5


class Progress:
    """Counts what is done of ``total``; shows nothing with ``show`` false.

    A notebook keeps one bar, which is drawn anew twice a second and ends as one sentence.
    """

    def __init__(self, total: int, what: str, *, show: bool = True, done: int = 0) -> None:
        self.total, self.what, self.done, self.failed = total, what, done, 0
        self.note = ""
        self._started, self._shown = time.monotonic(), 0.0
        self._line: Any = None
        self._handle: Any = None
        if not show:
            return
        self._display = notebook_display()
        if self._display is None:
            self._line = tqdm(total=total, initial=done, desc=what, file=sys.stderr)
        else:
            self._handle = self._display.display(self._display.HTML(self._html()), display_id=True)

    def step(self, *, failed: bool = False, note: str = "") -> None:
        """Count one more; ``note`` is shown behind the numbers, such as what is left of a quota."""
        self.done += 1
        self.failed += failed
        self.note = note or self.note
        if self._line is not None:
            self._line.set_postfix_str(self.note, refresh=False)
            self._line.update()
        elif self._handle is not None and time.monotonic() - self._shown >= SECONDS_BETWEEN:
            self._shown = time.monotonic()
            self._handle.update(self._display.HTML(self._html()))

    def close(self) -> None:
        """Show the final numbers."""
        if self._line is not None:
            self._line.close()
        elif self._handle is not None:
            self._handle.update(self._display.HTML(f"<p>{escape(self.words())}</p>"))

    def words(self) -> str:
        """Return the numbers as a sentence."""
        seconds = time.monotonic() - self._started
        parts = [f"{self.done:,} of {self.total:,} {self.what}"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{seconds:,.0f} s", *([self.note] if self.note else [])]
        return ", ".join(parts)

    def _html(self) -> str:
        bar = f'<progress max="{max(self.total, 1)}" value="{self.done}" style="width:24em"></progress>'
        return f"<p>{bar}<br>{escape(self.words())}</p>"


def notebook_display() -> Any:
    """Return IPython's module for rich output inside a notebook, None elsewhere, where it is not needed."""
    ipython = sys.modules.get("IPython")
    if ipython is None or getattr(ipython.get_ipython(), "kernel", None) is None:
        return None
    return sys.modules["IPython.display"]
