"""How this project's figures look: colours for all eyes, axes in words, the synthetic mark."""

from __future__ import annotations

import textwrap

from alphagenome.data import genome
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

# Okabe and Ito (2008), a palette for all kinds of colour vision.
REFERENCE = "#0072B2"
ALTERNATE = "#D55E00"
TRACK_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#D55E00", "#666666")
CHANGE_MAP = "RdBu_r"
SYNTHETIC_WORDS = "synthetic: offline model"
# Room for tick labels and the label of the position axis.
LABELS_INCHES = 0.75


def finish(figure: Figure, shown: genome.Interval, title: str, left_out: int, synthetic: bool) -> Figure:
    """Return the figure of tracks with title, a position axis in base pairs and legible labels."""
    for axes in figure.axes:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=2, min_n_ticks=2))
        axes.tick_params(labelsize=8)
        axes.yaxis.label.set_fontsize(8.5)
    last = figure.axes[-1]
    last.spines["bottom"].set_visible(True)
    last.xaxis.set_major_locator(MaxNLocator(nbins=6))
    last.xaxis.set_major_formatter(FuncFormatter(lambda position, _: f"{int(position):,}"))
    last.tick_params(axis="x", bottom=True, labelbottom=True, labelsize=9)
    words = f"position on {shown.chromosome} (bp)"
    if left_out:
        words += f"; {left_out} more {'line is' if left_out == 1 else 'lines are'} not drawn"
    last.set_xlabel(words, fontsize=9.5)
    if title:
        set_title(figure, title, pad=14)
    return mark_synthetic(figure) if synthetic else figure


def set_title(figure: Figure, title: str, pad: float = 10) -> None:
    """Put ``title`` above the left edge of the first axes, broken into lines that fit the figure."""
    lines = textwrap.wrap(title, max(24, int(figure.get_figwidth() * 8.5)))
    figure.axes[0].set_title("\n".join(lines), loc="left", fontsize=12, pad=pad)


def mark_synthetic(figure: Figure) -> Figure:
    """Return the figure with the words that its values are made up, across it and in a corner."""
    across = figure.text(0.5, 0.5, "SYNTHETIC", ha="center", va="center", rotation=18, fontsize=52)
    across.set(color="#000000", alpha=0.06, zorder=10)
    box = {"boxstyle": "round,pad=0.3", "facecolor": "#fff3dc", "edgecolor": "none"}
    note = figure.supxlabel(SYNTHETIC_WORDS, x=0.99, ha="right", fontsize=9, color="#6b4200", bbox=box)
    if figure.get_layout_engine() is None:
        note.set_y(figure.subplotpars.bottom - LABELS_INCHES / figure.get_figheight())
    return figure
