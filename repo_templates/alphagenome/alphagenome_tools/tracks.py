"""Tracks made readable: one line for each tissue, strand and mark."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from alphagenome.data import track_data

from alphagenome_tools.outputs import label

# What tells two lines of a figure apart, beside the tissue.
SUBJECTS = ("histone_mark", "transcription_factor", "strand")


def tissue_of(metadata: pd.DataFrame) -> pd.Series:
    """Return the name of each track's tissue or cell type; 'any tissue' for tracks that belong to none."""
    names = metadata.get("biosample_name", pd.Series(index=metadata.index, dtype=object))
    curies = metadata.get("ontology_curie", pd.Series(index=metadata.index, dtype=object))
    return names.where(names.notna() & (names != ""), curies).fillna("any tissue").replace("", "any tissue")


def by_tissue(tracks: track_data.TrackData, output: str) -> track_data.TrackData:
    """Return ``tracks`` with the assays of one tissue, strand and mark averaged into one track.

    The metadata has the columns ``name`` (a line label such as ``liver, RNA-seq +``), ``strand``,
    ``tissue`` and ``tracks`` (how many were averaged). Order is that of first appearance.
    """
    keys = [tissue_of(tracks.metadata)]
    keys += [tracks.metadata[column].fillna("") for column in SUBJECTS if column in tracks.metadata]
    groups = tracks.metadata.groupby(keys, sort=False).indices
    rows, columns = [], []
    for key, members in groups.items():
        tissue, *subject, strand = key
        what = " ".join([label(output), *[part for part in subject if part]])
        shown_strand = "" if strand == "." else f" {strand}"
        rows.append(
            {
                "name": f"{tissue}\n{what}{shown_strand}",
                "strand": strand,
                "tissue": tissue,
                "tracks": len(members),
            }
        )
        columns.append(tracks.values[..., members].mean(axis=-1))
    values = np.stack(columns, axis=-1) if columns else tracks.values[..., :0]
    metadata = pd.DataFrame(rows, columns=["name", "strand", "tissue", "tracks"])
    return track_data.TrackData(
        values=values.astype(np.float32),
        metadata=metadata,
        resolution=tracks.resolution,
        interval=tracks.interval,
    )


def thinned(tracks: track_data.TrackData, width: int, points: int = 1024) -> track_data.TrackData:
    """Return ``tracks`` averaged so that ``width`` base pairs of them are at most 2 * ``points`` positions.

    Neighbouring positions are joined in powers of two, which divide every window the model reads.
    """
    bins, factor = tracks.values.shape[0], 1
    while width // (tracks.resolution * factor) >= 2 * points and bins % (factor * 2) == 0:
        factor *= 2
    if factor == 1:
        return tracks
    coarse = tracks.downsample(tracks.resolution * factor)
    return dataclasses.replace(coarse, values=coarse.values / np.float32(factor))
