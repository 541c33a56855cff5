"""Figures of a variant's scores: by measure and tissue, and by gene."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from alphagenome_tools.style import CHANGE_MAP, MARKERS, TRACK_COLOURS, mark_synthetic, set_title


def plot_scores(matrix: pd.DataFrame, title: str, synthetic: bool = False, value: str = "score") -> Figure:
    """Return a heat map of :func:`score_matrix`: measures down, tissues across, each cell with its number.

    Blue is less with the alternate allele, red is more; white is no change.
    """
    height = 1.5 + 0.42 * len(matrix)
    figure, axes = plt.subplots(figsize=(3.2 + 1.2 * matrix.shape[1], height), layout="constrained")
    values = matrix.to_numpy(dtype=float)
    limit = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    image = axes.imshow(values, cmap=CHANGE_MAP, vmin=-limit or -1.0, vmax=limit or 1.0, aspect="auto")
    axes.set_xticks(range(matrix.shape[1]), [textwrap.fill(str(name), 16) for name in matrix.columns])
    axes.set_yticks(range(matrix.shape[0]), [str(name) for name in matrix.index])
    axes.tick_params(length=0, labelsize=8.5)
    for (row, column), number in np.ndenumerate(values):
        dark = abs(number) > 0.6 * limit
        text = "–" if np.isnan(number) else f"{number:+.3g}"
        colour = "white" if dark else "#222222"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label(f"strongest {value}", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    set_title(figure, title)
    return mark_synthetic(figure) if synthetic else figure


def plot_gene_changes(table: pd.DataFrame, title: str, synthetic: bool = False, genes: int = 10) -> Figure:
    """Return a dot plot of how the ``genes`` that change most do so; one colour for each tissue.

    ``table`` is a :func:`scores_table`; of its rows with a gene those of RNA-seq are used, all of them where
    there is no RNA-seq, averaged over a tissue's tracks.
    """
    of_genes = table[table["gene"].notna()]
    expression = of_genes[of_genes["measure"] == "RNA-seq"]
    chosen = of_genes if expression.empty else expression
    changes = chosen.groupby(["gene", "tissue"], sort=False)["score"].mean().unstack("tissue")
    if changes.empty:
        raise ValueError("No score belongs to a gene. Add RNA_SEQ to what is predicted, or widen the window.")
    order = changes.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:genes]
    changes = changes.loc[order[::-1]]
    figure, axes = plt.subplots(figsize=(7.1, 1.4 + 0.3 * len(changes)), layout="constrained")
    axes.axvline(0, color="#999999", linewidth=1)
    for index, tissue in enumerate(changes.columns):
        marker = MARKERS[index % len(MARKERS)]
        colour = TRACK_COLOURS[index % len(TRACK_COLOURS)]
        axes.plot(changes[tissue], range(len(changes)), marker, color=colour, label=str(tissue), markersize=6)
    axes.set_yticks(range(len(changes)), [str(gene) for gene in changes.index], style="italic")
    words = "change of expression (log fold change, alternate / reference)"
    axes.set_xlabel("score" if expression.empty else words, fontsize=8.5)
    axes.tick_params(labelsize=8.5)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5)
    set_title(figure, title)
    return mark_synthetic(figure) if synthetic else figure
