"""The picture of a batch: where its variants lie, how strong and how rare their effects are."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from alphagenome_tools.assemblies import HG38
from alphagenome_tools.style import COLUMN_INCHES, MARKERS, TRACK_COLOURS, mark_synthetic

SMALLEST = 1e-4  # how rare an effect can be told to be: the quantiles' own precision
GAP = 20_000_000  # between chromosomes, in base pairs


def plot_batch_summary(
    results_df: pd.DataFrame, *, title: str = "", labelled: int = 5, synthetic: bool | None = None
) -> Figure:
    """Return the picture of a ranked table (:func:`rank_variants`): along the genome, and effect by rarity.

    Colour and shape tell the measure of a variant's strongest score; the ``labelled`` strongest carry their
    names. ``synthetic`` marks the figure; without it the table's own mark counts.
    """
    if results_df.empty:
        raise ValueError("No variant has a score, so that there is nothing to draw.")
    by_quantile = results_df["quantile"].notna().any()
    value = "quantile" if by_quantile else "score"
    figure, (along, volcano) = plt.subplots(
        2, 1, figsize=(COLUMN_INCHES, 6.4), layout="constrained", height_ratios=(1, 1.15)
    )
    measures = list(dict.fromkeys(results_df["measure"]))
    _along_the_genome(along, results_df, measures, value, labelled)
    _effect_by_rarity(volcano, results_df, measures, value, labelled)
    along.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, fontsize=8, handletextpad=0.2
    )
    along.set_title(title or f"{len(results_df):,} variants", loc="left", fontsize=10.5, pad=26)
    marked = results_df.attrs.get("synthetic", False) if synthetic is None else synthetic
    return mark_synthetic(figure) if marked else figure


def _along_the_genome(axes: Any, table: pd.DataFrame, measures: list[str], value: str, labelled: int) -> None:
    used = [name for name in HG38 if name in set(table["chromosome"])]
    if len(used) == 1:
        x = table["position"].to_numpy(float)
        axes.set_xlabel(f"position on {used[0]} (bp)", fontsize=8.5)
        axes.xaxis.set_major_formatter(lambda position, _: f"{int(position):,}")
        axes.xaxis.set_major_locator(plt.MaxNLocator(nbins=5))
    else:
        starts, here = {}, 0
        for index, name in enumerate(used):
            starts[name] = here
            if index % 2:
                axes.axvspan(here, here + HG38[name], color="#f2f2f2", zorder=0)
            here += HG38[name] + GAP
        x = table["position"].to_numpy(float) + table["chromosome"].map(starts).to_numpy(float)
        middles = [starts[name] + HG38[name] / 2 for name in used]
        axes.set_xticks(middles, [name.removeprefix("chr") for name in used])
        axes.set_xlabel("chromosome", fontsize=8.5)
    _points(axes, x, table[value].abs().to_numpy(float), table, measures, labelled)
    axes.set_ylabel(f"size of the\nstrongest {value}", fontsize=8.5)
    axes.set_ylim(0, 1.18 * table[value].abs().max() or 1.0)


def _effect_by_rarity(axes: Any, table: pd.DataFrame, measures: list[str], value: str, labelled: int) -> None:
    if value == "quantile":
        y = -np.log10(np.maximum(1 - table["quantile"].abs().to_numpy(float), SMALLEST))
        axes.set_ylabel("rarity among common variants\n−log10(1 − |quantile|)", fontsize=8.5)
    else:
        y = table["score"].abs().to_numpy(float)
        axes.set_ylabel("size of the score", fontsize=8.5)
    _points(axes, table["score"].to_numpy(float), y, table, measures, labelled)
    axes.axvline(0, color="#999999", linewidth=0.8, zorder=1)
    axes.set_xlabel("strongest score (less with the alternate allele ← 0 → more)", fontsize=8.5)
    axes.margins(x=0.12, y=0.15)


def _points(axes: Any, x: Any, y: Any, table: pd.DataFrame, measures: list[str], labelled: int) -> None:
    for index, measure in enumerate(measures):
        chosen = (table["measure"] == measure).to_numpy()
        axes.scatter(
            x[chosen],
            y[chosen],
            s=26,
            marker=MARKERS[index % len(MARKERS)],
            color=TRACK_COLOURS[index % len(TRACK_COLOURS)],
            edgecolor="white",
            linewidth=0.5,
            label=measure,
            zorder=3,
        )
    axes.margins(x=0.1)
    figure = axes.get_figure()
    taken: list[Any] = []
    for place in range(min(labelled, len(table))):
        row = table.iloc[place]
        spot = axes.transData.transform((x[place], y[place])) / figure.dpi
        if any(abs(spot[0] - other[0]) < 0.6 and abs(spot[1] - other[1]) < 0.12 for other in taken):
            continue  # two names on each other are none
        taken.append(spot)
        gene = f" {row['gene']}" if isinstance(row["gene"], str) and row["gene"] else ""
        axes.annotate(
            f"{row['rank']}{gene}", (x[place], y[place]), (4, 4), textcoords="offset points", fontsize=7.5
        )
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
