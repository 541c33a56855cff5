"""What a reader must know of the model before the figures."""

from __future__ import annotations

from typing import Any

from IPython.display import HTML, display

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


def notice_text(answer: Any) -> str:
    """Return what to say of ``answer``: a warning if it is synthetic, the terms otherwise."""
    return SYNTHETIC if is_synthetic(answer) else TERMS


def notice(answer: Any) -> None:
    """Show the sentence that belongs to ``answer`` in the notebook."""
    style = SYNTHETIC_STYLE if is_synthetic(answer) else STYLE
    display(HTML(f'<p class="notice" role="note" style="{style}">{notice_text(answer)}</p>'))
