"""Tables of predicted tracks: what is there, and what a variant changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from alphagenome.data import genome, track_data
from alphagenome.models import dna_client

from alphagenome_tools.outputs import LINEAR, label, unit
from alphagenome_tools.tracks import tissue_of

# Added before a logarithm, so that silent tracks compare as equal.
PSEUDOCOUNT = 1e-3


def linear_outputs(output: Any) -> Iterator[tuple[str, track_data.TrackData]]:
    """Yield (name, tracks) of every kind of track along the sequence that a prediction holds."""
    for name in LINEAR:
        tracks = output.get(dna_client.OutputType[name])
        if tracks is not None and tracks.num_tracks:
            yield name, tracks


def within(tracks: track_data.TrackData, interval: genome.Interval | None) -> track_data.TrackData:
    """Return the part of ``tracks`` that covers ``interval``; all of them for None."""
    return tracks if interval is None else tracks.slice_by_interval(interval, match_resolution=True)


def describe_tracks(name: str, tracks: track_data.TrackData) -> pd.DataFrame:
    """Return one row per track: what it measures, where, on which strand."""
    metadata = tracks.metadata.reset_index(drop=True)
    return pd.DataFrame(
        {
            "measure": label(name),
            "tissue": tissue_of(metadata),
            "track": metadata["name"],
            "strand": metadata["strand"],
            "unit": unit(name),
        }
    )


def summary_table(output: Any, region: genome.Interval | None = None) -> pd.DataFrame:
    """Return one row per track with its mean and highest value, and where that is, over ``region``.

    Positions (``peak``) count from 0. Without ``region`` the whole prediction is summarised.
    """
    tables = []
    for name, whole in linear_outputs(output):
        tracks = within(whole, region)
        start = tracks.interval.start if tracks.interval else 0
        table = describe_tracks(name, tracks)
        table["mean"] = tracks.values.mean(axis=0)
        table["highest"] = tracks.values.max(axis=0)
        table["peak"] = start + tracks.values.argmax(axis=0) * tracks.resolution
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def create_comparison_table(
    ref_outputs: Any, alt_outputs: Any, around: genome.Interval | None = None
) -> pd.DataFrame:
    """Return one row per track with its mean under both alleles and the change, over ``around``.

    ``log2_change`` is log2((alternate + c) / (reference + c)) with c = 0.001; ``largest_change`` the
    difference at the position that changes most, with its sign, and ``position`` that position, from 0. Rows
    are ordered by the size of ``log2_change``, largest first.
    """
    tables = []
    for (name, whole_before), (_, whole_after) in zip(
        linear_outputs(ref_outputs), linear_outputs(alt_outputs), strict=True
    ):
        before, after = (within(one, around) for one in (whole_before, whole_after))
        difference = after.values - before.values
        where = np.abs(difference).argmax(axis=0)
        table = describe_tracks(name, before)
        table["reference"] = before.values.mean(axis=0)
        table["alternate"] = after.values.mean(axis=0)
        table["log2_change"] = np.log2(
            (table["alternate"] + PSEUDOCOUNT) / (table["reference"] + PSEUDOCOUNT)
        )
        table["largest_change"] = np.take_along_axis(difference, where[None, :], axis=0)[0]
        table["position"] = (before.interval.start if before.interval else 0) + where * before.resolution
        tables.append(table)
    if not tables:
        return pd.DataFrame()
    joined = pd.concat(tables, ignore_index=True)
    order = joined["log2_change"].abs().sort_values(ascending=False, kind="stable").index
    return joined.loc[order].reset_index(drop=True)
