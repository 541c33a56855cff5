"""How this project's figures look: colours for all eyes, axes in words, the synthetic mark."""

from __future__ import annotations

import textwrap

from alphagenome.data import genome
from alphagenome.visualization import plot_transcripts
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

# Okabe and Ito (2008), a palette for all kinds of colour vision.
REFERENCE = "#0072B2"
ALTERNATE = "#D55E00"
TRACK_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#D55E00", "#666666")
MARKERS = "osD^vP*Xhd"
CHANGE_MAP = "RdBu_r"
LEVEL_MAP = "cividis"
SYNTHETIC_WORDS = "synthetic: offline model"
COLUMN_INCHES = 7.1  # 180 mm, a journal's full width; text of 8 points stays legible there
GENE_STYLE = plot_transcripts.TranscriptStyle(
    cds_height=0.5,
    utr_height=0.3,
    cds_color="#333333",
    utr5_color="#333333",
    utr3_color="#333333",
    first_noncoding_exon_color="#333333",
    label_color="#111111",
    xlim_pad=0.0,
)
# Room for tick labels and the label of the position axis.
LABELS_INCHES = 0.62
LINE_INCHES = 0.14


def finish(
    figure: Figure,
    shown: genome.Interval,
    title: str,
    left_out: int,
    synthetic: bool,
    figsize: tuple[float, float] | None = None,
    units: str = "",
) -> Figure:
    """Return the figure of tracks with title, units, a position axis in base pairs and legible labels."""
    if figsize is not None:
        figure.set_size_inches(figsize)
    for axes in figure.axes:
        if len(axes.get_yticks()):  # genes and arcs have none
            axes.yaxis.set_major_locator(MaxNLocator(nbins=2, min_n_ticks=2))
        axes.tick_params(labelsize=7.5)
        axes.yaxis.label.set(fontsize=8, multialignment="right")
        for text in axes.texts:
            text.set_fontsize(7.5)
    position_axis(figure, shown, left_out, units)
    if title:
        set_title(figure, title, pad=12)
    return mark_synthetic(figure) if synthetic else figure


def position_axis(figure: Figure, shown: genome.Interval, left_out: int = 0, units: str = "") -> None:
    """Give the last axes of a figure positions on the chromosome, in base pairs."""
    last = figure.axes[-1]
    last.spines["bottom"].set_visible(True)
    last.xaxis.set_major_locator(MaxNLocator(nbins=5))
    last.xaxis.set_major_formatter(FuncFormatter(lambda position, _: f"{int(position):,}"))
    last.tick_params(axis="x", bottom=True, labelbottom=True, labelsize=8)
    words = f"position on {shown.chromosome} (bp)"
    if left_out:
        words += f"; {left_out} more {'line is' if left_out == 1 else 'lines are'} not drawn"
    last.set_xlabel("\n".join([words, *textwrap.wrap(units, 90)]), fontsize=8)


def set_title(figure: Figure, title: str, pad: float = 10) -> None:
    """Put ``title`` above the left edge of the first axes, broken into lines that fit the figure."""
    lines = textwrap.wrap(title, max(24, int(figure.get_figwidth() * 9)))
    figure.axes[0].set_title("\n".join(lines), loc="left", fontsize=10.5, pad=pad)


def mark_synthetic(figure: Figure) -> Figure:
    """Return the figure with the words that its values are made up, across it and in a corner."""
    size = min(48, figure.get_figwidth() * 6.5)
    across = figure.text(0.5, 0.5, "SYNTHETIC", ha="center", va="center", rotation=18, fontsize=size)
    across.set(color="#000000", alpha=0.07, zorder=10)
    box = {"boxstyle": "round,pad=0.3", "facecolor": "#fff3dc", "edgecolor": "none"}
    note = figure.supxlabel(SYNTHETIC_WORDS, x=0.99, ha="right", fontsize=8, color="#6b4200", bbox=box)
    if figure.get_layout_engine() is None:
        lines = figure.axes[-1].get_xlabel().count("\n")
        below = LABELS_INCHES + LINE_INCHES * lines
        note.set_y(figure.subplotpars.bottom - below / figure.get_figheight())
    return figure
