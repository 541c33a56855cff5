"""What a reader must know of the model before the figures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from alphagenome_tools.backend import is_synthetic

SYNTHETIC = (
    "Synthetic figures. The workspace has no AlphaGenome key, so its offline model answered: "
    "shapes and units are right, values are made up. "
    "They show how this worksheet works and say nothing about biology."
)
TERMS = (
    "Predictions by AlphaGenome (Google DeepMind), free for non-commercial use under its terms. "
    "They are not meant for clinical decisions and must not be used to train other models."
)
STYLE = "border-radius:8px;padding:10px 14px;margin:0 0 14px"
SYNTHETIC_STYLE = f"{STYLE};background:#fff3dc;color:#6b4200"


@dataclass(frozen=True)
class Notice:
    """A sentence for readers; a notebook shows it as a banner."""

    text: str
    style: str

    def _repr_html_(self) -> str:
        return f'<p class="notice" role="note" style="{self.style}">{escape(self.text)}</p>'


def notice(answer: Any) -> Notice:
    """Return what a reader must know of ``answer``: a warning if it is synthetic, the terms otherwise."""
    return notice_for(synthetic=is_synthetic(answer))


def notice_for(*, synthetic: bool) -> Notice:
    """Return the warning of synthetic figures, or the terms."""
    return Notice(SYNTHETIC, SYNTHETIC_STYLE) if synthetic else Notice(TERMS, STYLE)
