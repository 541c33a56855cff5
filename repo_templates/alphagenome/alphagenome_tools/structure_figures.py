"""Figures of splicing, of contacts between places, and of everything at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from alphagenome.data import genome, junction_data, track_data
from alphagenome.visualization import plot_components
from matplotlib.figure import Figure

from alphagenome_tools.backend import is_synthetic
from alphagenome_tools.figures import Genes, drawn, from_zero, gene_line, track_lines
from alphagenome_tools.outputs import units_of
from alphagenome_tools.style import (
    ALTERNATE,
    CHANGE_MAP,
    COLUMN_INCHES,
    REFERENCE,
    TRACK_COLOURS,
    finish,
    mark_synthetic,
    position_axis,
    set_title,
)
from alphagenome_tools.tables import linear_outputs
from alphagenome_tools.tracks import tissue_of

ARC_HEIGHT = 0.8
MAP_HEIGHT = 4.6
SMALL_MAP_HEIGHT = 2.6
MAP_SIZE = 2048
MOST_TISSUES = 4
MOST_NUMBERS = 12


def plot_splicing(
    outputs: Any,
    *,
    alternate: Any = None,
    region: genome.Interval | None = None,
    title: str = "Predicted splicing",
    genes: Genes = (),
    variant: genome.Variant | None = None,
) -> Figure:
    """Return arcs from donor to acceptor for each tissue, as in a sashimi plot, below the genes.

    An arc is as thick as its junction's share of the tissue's junction signal, which stands beside it, scaled
    so that the largest possible is 10. With ``alternate`` both alleles stand under each other.
    """
    if outputs.splice_junctions is None:
        raise ValueError("The prediction has no splice junctions. Add SPLICE_JUNCTIONS to what is predicted.")
    shown = region or outputs.splice_junctions.interval
    arcs = _arcs(outputs, REFERENCE, "reference" if alternate is not None else "")
    if alternate is not None:
        pairs = zip(arcs, _arcs(alternate, ALTERNATE, "alternate"), strict=True)
        arcs = [arc for pair in pairs for arc in pair]
    if not arcs:
        raise ValueError("There are no splice junctions here. Choose a region with genes, or other tissues.")
    marks = [plot_components.VariantAnnotation([variant], colors="#777777", use_default_labels=False)]
    figure = drawn([*gene_line(genes, shown), *arcs], shown, marks if variant is not None else None)
    synthetic = is_synthetic([one for one in (outputs, alternate) if one is not None])
    return finish(figure, shown, title, 0, synthetic)


def _arcs(outputs: Any, colour: str, allele: str) -> list[plot_components.AbstractComponent]:
    junctions = _junctions_by_tissue(outputs.splice_junctions)
    if not len(junctions.junctions):
        return []
    few = len(junctions.junctions) <= MOST_NUMBERS  # beyond that the numbers run into each other
    parts = [
        junctions.filter_tracks(np.arange(junctions.num_tracks) == index)
        for index in range(min(junctions.num_tracks, MOST_TISSUES))
    ]
    ending = f"\n{allele} " if allele else " "
    return [
        plot_components.Sashimi(
            part,
            fig_height=ARC_HEIGHT,
            ylabel_template="{name}" + ending + "{strand}",
            rng=np.random.default_rng(1),  # arcs are shifted at random, always in the same way
            annotate_counts=few,
            color=colour,
        )
        for part in parts
    ]


def _junctions_by_tissue(junctions: junction_data.JunctionData) -> junction_data.JunctionData:
    """Return junctions with the assays of one tissue averaged, and the tissue as their name."""
    tissues = tissue_of(junctions.metadata)
    names = list(dict.fromkeys(tissues))
    columns = [junctions.values[:, (tissues == name).to_numpy()].mean(axis=1) for name in names]
    values = np.stack(columns, axis=1) if columns else junctions.values[:, :0]
    return dataclasses.replace(junctions, values=values, metadata=pd.DataFrame({"name": names}))


def plot_contact_map(
    outputs: Any,
    *,
    alternate: Any = None,
    region: genome.Interval | None = None,
    title: str = "Predicted contacts",
    genes: Genes = (),
) -> Figure:
    """Return the contact map of the first tissue, or with ``alternate`` what the alternate allele changes.

    Red is more contact than the distance between two places lets expect (or than the reference allele has),
    blue is less.
    """
    maps = outputs.contact_maps
    if maps is None or not maps.num_tracks:
        raise ValueError("The prediction has no contact map. Add CONTACT_MAPS, or tissues that have them.")
    tissue = tissue_of(maps.metadata).iloc[0]
    one = _first(maps)
    if alternate is None:
        component, words = _map(one, MAP_HEIGHT), "log fold over distance expectation"
    else:
        change = dataclasses.replace(one, values=_first(alternate.contact_maps).values - one.values)
        component, words = _map(change, MAP_HEIGHT), "change, alternate − reference"
    shown = whole_bins(region or maps.interval, maps.interval)
    figure = drawn([*gene_line(genes, shown), component], shown, width=COLUMN_INCHES * 0.85)
    figure.subplots_adjust(hspace=0.08)
    axes = figure.axes[-1]
    for text in figure.axes[0].texts:
        text.set_fontsize(7.5)
    _as_map(axes, f"{tissue}: same positions, top to bottom")
    position_axis(figure, shown)
    set_title(figure, title, pad=12)
    bar = figure.colorbar(axes.collections[0], ax=figure.axes, shrink=0.6, pad=0.03)
    bar.set_label(words, fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    synthetic = is_synthetic([one for one in (outputs, alternate) if one is not None])
    return mark_synthetic(figure) if synthetic else figure


def _first(maps: track_data.TrackData) -> track_data.TrackData:
    return maps.select_tracks_by_index(np.array([0]))


def _map(maps: track_data.TrackData, height: float) -> plot_components.ContactMaps:
    limit = float(np.abs(maps.values).max()) or 1.0
    return plot_components.ContactMaps(
        maps,
        track_height=height,
        vmin=-limit,
        vmax=limit,
        cmap=CHANGE_MAP,
        ylabel_template="",
        rasterized=True,
    )


def _as_map(axes: Any, words: str) -> None:
    axes.set_yticks([])
    axes.set_ylabel(words, fontsize=8)


def whole_bins(region: genome.Interval, whole: genome.Interval, size: int = MAP_SIZE) -> genome.Interval:
    """Return the part of ``whole`` that holds ``region`` and consists of whole bins of ``size``."""
    first = max(region.start - whole.start, 0) // size * size
    last = min(-(-(region.end - whole.start) // size) * size, whole.width // size * size)
    return genome.Interval(whole.chromosome, whole.start + first, whole.start + max(last, first + size))


def plot_combined(
    outputs: Any,
    *,
    region: genome.Interval | None = None,
    title: str = "Predicted regulation",
    genes: Genes = (),
    intervals: Sequence[genome.Interval] = (),
    max_tracks: int = 12,
    colours: Sequence[str] = TRACK_COLOURS,
) -> Figure:
    """Return all that a prediction holds in one figure: genes, tracks, splice junctions, contacts.

    ``intervals`` are shaded across it, such as enhancers.
    """
    lines, left_out, whole = track_lines(outputs, region, max_tracks, colours)
    whole = whole or outputs.splice_junctions.interval
    shown = whole_bins(region or whole, whole)
    below = [] if outputs.splice_junctions is None else _arcs(outputs, REFERENCE, "")[:1]
    maps = outputs.contact_maps
    has_map = maps is not None and maps.num_tracks
    last = [_map(_first(maps), SMALL_MAP_HEIGHT)] if has_map else []
    shading = [plot_components.IntervalAnnotation(list(intervals), colors="#E69F00", alpha=0.2)]
    components = [*gene_line(genes, shown), *lines, *below, *last]
    figure = drawn(components, shown, shading if intervals else None)
    from_zero(figure)
    units = units_of([name for name, _ in linear_outputs(outputs)])
    finished = finish(figure, shown, title, left_out, is_synthetic(outputs), units=units)
    if has_map:
        _as_map(figure.axes[-1], f"contacts,\n{tissue_of(maps.metadata).iloc[0]}")
        figure.axes[-1].yaxis.label.set(rotation=0, ha="right", va="center")
    return finished
