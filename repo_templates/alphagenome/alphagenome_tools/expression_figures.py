"""The heat map of expression: genes by tissues, or a region by tissues."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from alphagenome.data import genome, track_data, transcript
from matplotlib.figure import Figure

from alphagenome_tools.backend import is_synthetic
from alphagenome_tools.scores import gene_expression
from alphagenome_tools.style import COLUMN_INCHES, LEVEL_MAP, mark_synthetic, set_title
from alphagenome_tools.tracks import tissue_of

BINS = 48
MOST_GENES = 30
NUMBERS_UP_TO = 12  # columns; with more of them numbers would run into each other


def plot_expression_heatmap(
    outputs: Any,
    *,
    genes: Sequence[transcript.Transcript] = (),
    title: str = "Predicted expression",
    synthetic: bool | None = None,
) -> Figure:
    """Return a heat map of expression: genes down and tissues across.

    ``outputs`` are scores of ``score_interval``, a table of :func:`gene_expression`, or a prediction with
    RNA-seq: then the mean over the exons of ``genes``, without them the mean in pieces of the region, with
    tissues down. Colours are log2(1 + signal), numbers the signal.
    """
    table, what = _levels(outputs, genes)
    notes = []
    if table.empty:
        raise ValueError(
            "There is no expression to draw. Choose tissues with RNA-seq, or a region with genes."
        )
    shown = table.iloc[:MOST_GENES]
    height = 1.5 + 0.27 * len(shown)
    figure, axes = plt.subplots(figsize=(COLUMN_INCHES, height), layout="constrained")
    values = shown.to_numpy(dtype=float)
    image = axes.imshow(np.log2(1 + values), cmap=LEVEL_MAP, vmin=0, aspect="auto")
    _label(axes, shown, italic=what == "genes")
    if shown.shape[1] <= NUMBERS_UP_TO:
        _numbers(axes, values)
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label("mean RNA-seq signal,\nlog2(1 + x)", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    if what == "tissues":
        notes.append("position (bp)")
    if len(table) > len(shown):
        notes.append(f"{len(table) - len(shown)} more {what} are not drawn")
    axes.set_xlabel("; ".join(notes), fontsize=8.5)
    set_title(figure, title)
    marked = _is_marked(outputs) if synthetic is None else synthetic
    return mark_synthetic(figure) if marked else figure


def _is_marked(outputs: Any) -> bool:
    if isinstance(outputs, pd.DataFrame):
        return bool(outputs.attrs.get("synthetic", False))
    return is_synthetic(outputs)


def _levels(outputs: Any, genes: Sequence[transcript.Transcript]) -> tuple[pd.DataFrame, str]:
    if isinstance(outputs, pd.DataFrame):
        return outputs, "genes"
    if isinstance(outputs, list | tuple):
        return gene_expression(outputs), "genes"
    if outputs.rna_seq is None:
        raise ValueError("The prediction has no RNA-seq. Add RNA_SEQ to what is predicted.")
    if genes:
        return exon_levels(outputs.rna_seq, genes), "genes"
    return _pieces(outputs.rna_seq), "tissues"


def exon_levels(tracks: track_data.TrackData, genes: Sequence[transcript.Transcript]) -> pd.DataFrame:
    """Return the mean signal over the exons of each gene, on its own strand, in each tissue.

    Exons outside the tracks do not count; a gene without any is left out.
    """
    tissues, rows = tissue_of(tracks.metadata), {}
    start, width = tracks.interval.start, tracks.values.shape[0]
    for one in genes:
        inside = [(max(exon.start - start, 0), min(exon.end - start, width)) for exon in one.exons]
        places = [np.arange(first, last) for first, last in inside if first < last]
        heard = np.isin(tracks.strands, [one.strand, genome.STRAND_UNSTRANDED])
        if places and heard.any():
            levels = tracks.values[np.concatenate(places)][:, heard].mean(axis=0)
            rows[one.info["gene_name"]] = (
                pd.Series(levels).groupby(tissues[heard].to_numpy(), sort=False).mean()
            )
    return pd.DataFrame(rows).T


def _pieces(tracks: track_data.TrackData) -> pd.DataFrame:
    width = tracks.values.shape[0] // BINS
    pieces = tracks.values[: width * BINS].reshape(BINS, width, -1).mean(axis=1)
    starts = [tracks.interval.start + index * width for index in range(BINS)]
    table = pd.DataFrame(pieces, index=[f"{start:,}" for start in starts])
    return table.T.groupby(tissue_of(tracks.metadata).to_numpy(), sort=False).mean()


def _label(axes: Any, table: pd.DataFrame, *, italic: bool) -> None:
    step = 1 if table.shape[1] <= 2 * NUMBERS_UP_TO else table.shape[1] // 6
    columns = [textwrap.fill(str(name), 14) for name in table.columns]
    slant = {"rotation": 45, "ha": "right"} if len(columns[::step]) > 6 else {}
    axes.set_xticks(range(0, table.shape[1], step), columns[::step], **slant)
    axes.set_yticks(
        range(len(table)), [str(name) for name in table.index], style="italic" if italic else None
    )
    axes.tick_params(length=0, labelsize=8.5)
    axes.spines[:].set_visible(False)


def _numbers(axes: Any, values: Any) -> None:
    middle = np.log2(1 + np.nanmax(values)) / 2
    for (row, column), number in np.ndenumerate(values):
        text = "–" if np.isnan(number) else f"{number:.3g}"
        colour = "white" if np.log2(1 + number) < middle else "#111111"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
