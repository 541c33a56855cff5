"""Which model answered: AlphaGenome itself, or the workspace's offline model with synthetic figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

OFFLINE = "offline model (synthetic)"
ALPHAGENOME = "AlphaGenome"
MARK = "synthetic"
MARKED_COLUMNS = ("data_source", "name", "Assay title")


def is_synthetic(answer: Any) -> bool:
    """Whether an answer of the model is synthetic, told by the mark in its track metadata.

    ``answer`` is a prediction (``Output``), track data, an AnnData of scores, a table of track metadata, or
    what ``output_metadata()`` gives; several may be given as a list. Empty ones count as not synthetic.
    """
    if isinstance(answer, list | tuple):
        return any(is_synthetic(one) for one in answer)
    return any(_marked(table) for table in _metadata_tables(answer))


def backend(answer: Any) -> str:
    """Return the name of the model that gave ``answer`` (see :func:`is_synthetic`)."""
    return OFFLINE if is_synthetic(answer) else ALPHAGENOME


def _metadata_tables(answer: Any) -> list[pd.DataFrame]:
    if isinstance(answer, pd.DataFrame):
        return [answer]
    if hasattr(answer, "var"):
        return [answer.var]
    if hasattr(answer, "metadata"):
        return [answer.metadata]
    if hasattr(answer, "alternate"):
        return [*_metadata_tables(answer.reference), *_metadata_tables(answer.alternate)]
    parts = [getattr(answer, name) for name in vars(answer)]
    tables = [part if isinstance(part, pd.DataFrame) else getattr(part, "metadata", None) for part in parts]
    return [table for table in tables if table is not None]


def _marked(metadata: pd.DataFrame) -> bool:
    columns = [column for column in MARKED_COLUMNS if column in metadata]
    return any(metadata[column].astype(str).str.contains(MARK, case=False).any() for column in columns)
