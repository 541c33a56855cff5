"""Figures: tracks along a region, the two alleles of a variant, its scores."""

from __future__ import annotations

import textwrap
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from alphagenome.data import genome
from alphagenome.visualization import plot_components
from matplotlib.figure import Figure

from alphagenome_tools.backend import is_synthetic
from alphagenome_tools.style import (
    ALTERNATE,
    CHANGE_MAP,
    REFERENCE,
    TRACK_COLOURS,
    finish,
    mark_synthetic,
    set_title,
)
from alphagenome_tools.tables import linear_outputs
from alphagenome_tools.tracks import by_tissue, thinned

WIDTH_INCHES = 11
TRACK_HEIGHT = 0.85
MAX_TRACKS = 12
LEGEND_POINTS = 32  # between the first line and the title: room for the legend


def quick_plot(
    output: Any,
    region: genome.Interval | None = None,
    *,
    title: str = "",
    max_tracks: int = MAX_TRACKS,
) -> Figure:
    """Return a figure with one line for each tissue, measure and strand along ``region``.

    Without ``region`` the whole prediction is shown. Lines beyond ``max_tracks`` are left out, which the
    figure says.
    """
    components: list[plot_components.AbstractComponent] = []
    left_out, shown = 0, region
    for index, (name, tracks) in enumerate(linear_outputs(output)):
        lines = by_tissue(tracks, name)
        shown = shown or lines.interval
        kept = max(0, max_tracks - sum(one.num_axes for one in components))
        left_out += max(0, lines.num_tracks - kept)
        if kept and lines.num_tracks:
            lines = lines.select_tracks_by_index(np.arange(min(kept, lines.num_tracks)))
            colour = TRACK_COLOURS[index % len(TRACK_COLOURS)]
            components.append(
                plot_components.Tracks(
                    thinned(lines, shown.width),
                    filled=True,
                    track_colors=colour,
                    track_height=TRACK_HEIGHT,
                    ylabel_template="{name}",
                    linewidth=0,
                )
            )
    if not components or shown is None:
        raise ValueError("There are no tracks to draw. Choose other tissues or other measures.")
    figure = _drawn(components, shown)
    for axes in figure.axes:
        # A filled line is read by its area, so it stands on zero.
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    return finish(figure, shown, title, left_out, is_synthetic(output))


def plot_variant_comparison(
    reference: Any,
    alternate: Any,
    variant: genome.Variant,
    *,
    width: int = 4096,
    title: str = "",
    max_tracks: int = MAX_TRACKS,
) -> Figure:
    """Return a figure with both alleles laid over each other in the ``width`` base pairs around ``variant``.

    Where the alleles agree only the alternate one is seen; the variant is a vertical line.
    """
    components: list[plot_components.AbstractComponent] = []
    left_out, shown = 0, None
    for (name, before), (_, after) in zip(linear_outputs(reference), linear_outputs(alternate), strict=True):
        shown = shown or close_up(variant, before.interval, width)
        pair = {"reference": by_tissue(before, name), "alternate": by_tissue(after, name)}
        kept = max(0, max_tracks - sum(one.num_axes for one in components))
        number = pair["reference"].num_tracks
        left_out += max(0, number - kept)
        if kept and number:
            index = np.arange(min(kept, number))
            pair = {allele: lines.select_tracks_by_index(index) for allele, lines in pair.items()}
            components.append(_overlay(pair, shown))
    if not components or shown is None:
        raise ValueError("There are no tracks to draw. Choose other tissues or other measures.")
    mark = plot_components.VariantAnnotation([variant], colors="#777777", use_default_labels=False)
    figure = _drawn(components, shown, [mark])
    figure.axes[0].legend(
        figure.axes[0].lines,
        ["reference", "alternate"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        borderaxespad=0,
    )
    finished = finish(figure, shown, "", left_out, is_synthetic([reference, alternate]))
    set_title(finished, title or str(variant), pad=LEGEND_POINTS)
    return finished


def _overlay(pair: dict[str, Any], shown: genome.Interval) -> plot_components.OverlaidTracks:
    lines = {allele: thinned(one, shown.width) for allele, one in pair.items()}
    return plot_components.OverlaidTracks(
        lines,
        colors={"reference": REFERENCE, "alternate": ALTERNATE},
        track_height=TRACK_HEIGHT,
        ylabel_template="{name}",
        order_tdata_by_mean=False,
        legend_loc=None,
        alpha=1.0,
        linewidth=1.2,
    )


def _drawn(components: list[Any], shown: genome.Interval, annotations: list[Any] | None = None) -> Figure:
    with warnings.catch_warnings():
        # A line that is the same everywhere has no range of its own; matplotlib widens it, as it should.
        warnings.filterwarnings("ignore", message="Attempting to set identical")
        figure: Figure = plot_components.plot(
            components, interval=shown, fig_width=WIDTH_INCHES, annotations=annotations, xlabel=""
        )
    return figure


def close_up(variant: genome.Variant, whole: genome.Interval, width: int) -> genome.Interval:
    """Return ``width`` base pairs around ``variant``, moved or cut so that they lie inside ``whole``.

    The ends are multiples of 128 from the start of ``whole``, the coarsest resolution of a track.
    """
    step = 128
    width = min(max(step, width // step * step), whole.width)
    start = variant.position - 1 - width // 2 - whole.start
    start = min(max(0, round(start / step) * step), whole.width - width)
    return genome.Interval(whole.chromosome, whole.start + start, whole.start + start + width)


def plot_scores(matrix: pd.DataFrame, title: str, synthetic: bool = False, value: str = "score") -> Figure:
    """Return a heat map of :func:`score_matrix`: measures down, tissues across, each cell with its number.

    Blue is less with the alternate allele, red is more; white is no change.
    """
    height = 1.6 + 0.5 * len(matrix)
    figure, axes = plt.subplots(figsize=(3.6 + 1.5 * matrix.shape[1], height), layout="constrained")
    values = matrix.to_numpy(dtype=float)
    limit = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    image = axes.imshow(values, cmap=CHANGE_MAP, vmin=-limit or -1.0, vmax=limit or 1.0, aspect="auto")
    axes.set_xticks(range(matrix.shape[1]), [textwrap.fill(str(name), 16) for name in matrix.columns])
    axes.set_yticks(range(matrix.shape[0]), [str(name) for name in matrix.index])
    axes.tick_params(length=0)
    for (row, column), number in np.ndenumerate(values):
        dark = abs(number) > 0.6 * limit
        text = "–" if np.isnan(number) else f"{number:+.3g}"
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "#222222")
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=f"strongest {value}", shrink=0.9)
    set_title(figure, title)
    return mark_synthetic(figure) if synthetic else figure


def plot_gene_changes(table: pd.DataFrame, title: str, synthetic: bool = False, genes: int = 10) -> Figure:
    """Return a dot plot of the expression changes of the ``genes`` that change most; one colour per tissue.

    ``table`` is a :func:`scores_table`; only its rows with a gene are used, averaged over a tissue's tracks.
    """
    changes = (
        table[table["gene"].notna()].groupby(["gene", "tissue"], sort=False)["score"].mean().unstack("tissue")
    )
    if changes.empty:
        raise ValueError("No score belongs to a gene. Add RNA_SEQ to what is predicted, or widen the window.")
    order = changes.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:genes]
    changes = changes.loc[order[::-1]]
    figure, axes = plt.subplots(figsize=(8, 1.6 + 0.36 * len(changes)), layout="constrained")
    axes.axvline(0, color="#999999", linewidth=1)
    for index, tissue in enumerate(changes.columns):
        marker = "osD^vP*Xhd"[index % 10]
        colour = TRACK_COLOURS[index % len(TRACK_COLOURS)]
        axes.plot(changes[tissue], range(len(changes)), marker, color=colour, label=str(tissue), markersize=7)
    axes.set_yticks(range(len(changes)), [str(gene) for gene in changes.index], style="italic")
    axes.set_xlabel("change of expression, log2(alternate / reference)")
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    set_title(figure, title)
    return mark_synthetic(figure) if synthetic else figure
