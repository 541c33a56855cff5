"""Figures of tracks along a region: one prediction, or the two alleles of a variant."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from alphagenome.data import genome, transcript
from alphagenome.visualization import plot_components
from matplotlib.figure import Figure

from alphagenome_tools.backend import is_synthetic
from alphagenome_tools.outputs import units_of
from alphagenome_tools.style import (
    ALTERNATE,
    COLUMN_INCHES,
    GENE_STYLE,
    REFERENCE,
    TRACK_COLOURS,
    finish,
    set_title,
)
from alphagenome_tools.tables import linear_outputs
from alphagenome_tools.tracks import by_tissue, thinned

TRACK_HEIGHT = 0.62
GENE_HEIGHT = 0.75
MAX_TRACKS = 12
LEGEND_POINTS = 24  # between the first line and the title: room for the legend
Genes = Sequence[transcript.Transcript]


def quick_plot(
    outputs: Any,
    figsize: tuple[float, float] | None = None,
    *,
    region: genome.Interval | None = None,
    title: str = "",
    genes: Genes = (),
    max_tracks: int = MAX_TRACKS,
    colours: Sequence[str] = TRACK_COLOURS,
) -> Figure:
    """Return a figure with one line for each tissue, measure and strand along ``region``.

    Without ``region`` the whole prediction is shown; ``genes`` (:func:`genes_in`) are drawn above. Lines
    beyond ``max_tracks`` are left out, which the figure says. ``figsize`` is in inches; each measure has one
    of ``colours``.
    """
    lines, left_out, whole = track_lines(outputs, region, max_tracks, colours)
    shown = region or whole
    if not lines or shown is None:
        raise ValueError("There are no tracks to draw. Choose other tissues or other measures.")
    figure = drawn([*gene_line(genes, shown), *lines], shown)
    from_zero(figure)
    units = units_of([name for name, _ in linear_outputs(outputs)])
    return finish(figure, shown, title, left_out, is_synthetic(outputs), figsize, units)


def track_lines(
    outputs: Any,
    region: genome.Interval | None,
    max_tracks: int = MAX_TRACKS,
    colours: Sequence[str] = TRACK_COLOURS,
) -> tuple[list[plot_components.AbstractComponent], int, genome.Interval | None]:
    """Return filled lines for all tracks along the sequence, how many are left out, and what they cover."""
    components: list[plot_components.AbstractComponent] = []
    named = [by_tissue(tracks, name) for name, tracks in linear_outputs(outputs)]
    whole = named[0].interval if named else None
    shares = shared_out([lines.num_tracks for lines in named], max_tracks)
    for index, (lines, share) in enumerate(zip(named, shares, strict=True)):
        if share:
            chosen = lines.select_tracks_by_index(np.arange(share))
            components.append(
                plot_components.Tracks(
                    thinned(chosen, (region or whole).width),
                    filled=True,
                    track_colors=colours[index % len(colours)],
                    track_height=TRACK_HEIGHT,
                    ylabel_template="{name}",
                    linewidth=0,
                )
            )
    return components, sum(lines.num_tracks for lines in named) - sum(shares), whole


def shared_out(wanted: Sequence[int], most: int) -> list[int]:
    """Return how many lines each measure gets of at most ``most``: in turns, so that each gets some."""
    shares = [0] * len(wanted)
    for _ in range(min(most, sum(wanted))):
        hungry = [index for index, share in enumerate(shares) if share < wanted[index]]
        shares[min(hungry, key=lambda index: shares[index])] += 1
    return shares


def plot_variant_comparison(
    ref_outputs: Any,
    alt_outputs: Any,
    variant: genome.Variant,
    *,
    width: int = 4096,
    title: str = "",
    genes: Genes = (),
    max_tracks: int = MAX_TRACKS,
) -> Figure:
    """Return a figure with both alleles laid over each other in the ``width`` base pairs around ``variant``.

    Where the alleles agree only the alternate one is seen; the variant is a vertical line.
    """
    pairs = zip(linear_outputs(ref_outputs), linear_outputs(alt_outputs), strict=True)
    alleles = [
        {"reference": by_tissue(before, name), "alternate": by_tissue(after, name)}
        for (name, before), (_, after) in pairs
    ]
    if not alleles:
        raise ValueError("There are no tracks to draw. Choose other tissues or other measures.")
    shown = close_up(variant, alleles[0]["reference"].interval, width)
    numbers = [pair["reference"].num_tracks for pair in alleles]
    shares = shared_out(numbers, max_tracks)
    components = [
        _overlay(
            {allele: one.select_tracks_by_index(np.arange(share)) for allele, one in pair.items()}, shown
        )
        for pair, share in zip(alleles, shares, strict=True)
        if share
    ]
    mark = plot_components.VariantAnnotation([variant], colors="#777777", use_default_labels=False)
    above = gene_line(genes, shown)
    figure = drawn([*above, *components], shown, [mark])
    figure.axes[0].legend(
        figure.axes[len(above)].lines[:2],
        ["reference", "alternate"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        borderaxespad=0,
        fontsize=8,
    )
    synthetic = is_synthetic([ref_outputs, alt_outputs])
    units = units_of([name for name, _ in linear_outputs(ref_outputs)])
    left_out = sum(numbers) - sum(shares)
    finished = finish(figure, shown, "", left_out, synthetic, units=units)
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
        linewidth=1.1,
    )


def gene_line(genes: Genes, shown: genome.Interval) -> list[plot_components.AbstractComponent]:
    """Return the line of genes for the top of a figure; none where no gene lies in ``shown``."""
    here = [one for one in genes if one.transcript_interval.overlaps(shown.as_unstranded())]
    if not here:
        return []
    return [
        plot_components.TranscriptAnnotation(
            here, fig_height=GENE_HEIGHT, adaptive_fig_height=False, transcript_style=GENE_STYLE
        )
    ]


def drawn(
    components: list[Any],
    shown: genome.Interval,
    annotations: list[Any] | None = None,
    width: float = COLUMN_INCHES,
) -> Figure:
    """Return the client's figure of ``components`` along ``shown``."""
    with warnings.catch_warnings():
        # A line that is the same everywhere has no range of its own; matplotlib widens it, as it should.
        warnings.filterwarnings("ignore", message="Attempting to set identical")
        figure: Figure = plot_components.plot(
            components, interval=shown, fig_width=width, annotations=annotations, xlabel=""
        )
    return figure


def from_zero(figure: Figure) -> None:
    """Let filled lines stand on zero: they are read by their area."""
    for axes in figure.axes:
        if axes.collections and len(axes.get_yticks()):
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def close_up(variant: genome.Variant, whole: genome.Interval, width: int) -> genome.Interval:
    """Return ``width`` base pairs around ``variant``, moved or cut so that they lie inside ``whole``.

    The ends are multiples of 128 from the start of ``whole``, the coarsest resolution of a track.
    """
    step = 128
    width = min(max(step, width // step * step), whole.width)
    start = variant.position - 1 - width // 2 - whole.start
    start = min(max(0, round(start / step) * step), whole.width - width)
    return genome.Interval(whole.chromosome, whole.start + start, whole.start + start + width)
