"""Scores of a variant: one number for each measure, tissue and gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from alphagenome.models import variant_scorers

from alphagenome_tools.outputs import label
from alphagenome_tools.tracks import tissue_of

COLUMNS = {
    "measure": "measure",
    "tissue": "tissue",
    "ontology_curie": "term",
    "gene_name": "gene",
    "gene_id": "gene_id",
    "gene_strand": "gene_strand",
    "track_name": "track",
    "track_strand": "strand",
    "raw_score": "score",
    "quantile_score": "quantile",
}


def scorers_for(outputs: Sequence[str]) -> list[Any]:
    """Return AlphaGenome's recommended variant scorer for each of ``outputs`` (names), in that order.

    Each compares the alleles: a log ratio of the signal around the variant, or of a gene's expression.
    """
    return [variant_scorers.RECOMMENDED_VARIANT_SCORERS[name] for name in outputs]


def scores_table(scores: Sequence[Any], terms: Sequence[str] = ()) -> pd.DataFrame:
    """Return the scores as one table, strongest first; only tracks of the tissues ``terms`` when given.

    Tracks that belong to no tissue, such as splice sites, stay. ``score`` is what the scorer measures, for
    most of the recommended ones a log ratio of the alleles; ``quantile`` says how it
    ranks among common variants, from -1 to 1. ``gene`` is empty for scores of the variant's surroundings.
    """
    tidy = variant_scorers.tidy_scores([_of_tissues(one, terms) for one in scores])
    if tidy is None or tidy.empty:
        return pd.DataFrame(columns=list(COLUMNS.values()))
    tidy = tidy.assign(measure=tidy["output_type"].map(lambda one: label(str(one))), tissue=tissue_of(tidy))
    table = tidy[[column for column in COLUMNS if column in tidy]].rename(columns=COLUMNS)
    order = table["score"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _of_tissues(scores: Any, terms: Sequence[str]) -> Any:
    """Return the part of an AnnData that belongs to ``terms`` or to no tissue; all of it without terms."""
    if not terms or "ontology_curie" not in scores.var:
        return scores
    curies = scores.var["ontology_curie"]
    chosen = curies.isin(list(terms)) | curies.isna() | (curies == "")
    return scores[:, chosen.to_numpy()].copy()


def score_matrix(table: pd.DataFrame, value: str = "score") -> pd.DataFrame:
    """Return measures by tissues; each cell is the ``value`` furthest from zero among its tracks."""
    if table.empty:
        return pd.DataFrame()
    strongest = table.groupby(["measure", "tissue"], sort=False)[value].agg(strongest_of)
    return strongest.unstack("tissue")


def strongest_of(values: pd.Series) -> float:
    """Return the value furthest from zero, NaN if there is none."""
    known = values.dropna()
    return float(known.loc[known.abs().idxmax()]) if len(known) else float("nan")


def gene_expression(scores: Sequence[Any], terms: Sequence[str] = ()) -> pd.DataFrame:
    """Return the predicted expression of each gene in each tissue: genes by tissues, highest first.

    ``scores`` come from ``score_interval``; values are the mean RNA-seq signal over a gene's exons.
    """
    table = scores_table(scores, terms)
    if table.empty:
        return pd.DataFrame()
    means = table.groupby(["gene", "tissue"], sort=False)["score"].mean().unstack("tissue")
    return means.loc[means.max(axis=1).sort_values(ascending=False, kind="stable").index]
