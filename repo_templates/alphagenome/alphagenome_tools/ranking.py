"""A batch as a ranked table: one row for each variant."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphagenome_tools.outputs import label

SPLICING = {"SPLICE_SITES": 1.0, "SPLICE_SITE_USAGE": 1.0, "SPLICE_JUNCTIONS": 0.2}
FIRST = ("rank", "variant", "chromosome", "position", "measure", "tissue", "gene", "score", "quantile")


def rank_variants(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per variant, strongest first: its strongest score, and that of every measure.

    ``scores`` is the long table of a batch. Variants are compared by the size of the quantile, where the
    model gives one, then of the score. The columns after ``quantile`` hold, by measure, the quantile (or
    score) furthest from zero; ``splicing`` is the sum that AlphaGenome's authors recommend, where its three
    parts are.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(FIRST))
    value = "quantile" if scores["quantile"].notna().any() else "score"
    sizes = scores.assign(_by=scores[value].abs().fillna(-1.0), _then=scores["score"].abs())
    ordered = sizes.sort_values(["_by", "_then"], ascending=False, kind="stable")
    best = ordered.drop_duplicates("variant").reset_index(drop=True)
    places = best["variant"].str.extract(r"(?P<chromosome>[^:]+):(?P<position>\d+):")
    best = best.assign(
        rank=np.arange(1, len(best) + 1),
        chromosome=places["chromosome"],
        position=places["position"].astype("int64"),
    )
    strongest = ordered.drop_duplicates(["variant", "measure"])
    matrix = strongest.pivot(index="variant", columns="measure", values=value)
    matrix = matrix[[measure for measure in scores["measure"].unique() if measure in matrix]]
    joined = best[list(FIRST)].join(matrix.rename_axis(None, axis=1), on="variant")
    total = splicing_score(scores)
    return joined if total.empty else joined.join(total, on="variant")


def splicing_score(scores: pd.DataFrame) -> pd.Series:
    """Return for each variant max(splice sites) + max(site usage) + max(junctions) / 5.

    Each maximum is over genes and tissues, of the size of the score. Empty without all three.
    """
    parts = {label(name): weight for name, weight in SPLICING.items()}
    found = scores[scores["measure"].isin(parts)]
    if set(found["measure"]) != set(parts):
        return pd.Series(dtype=float, name="splicing")
    largest = found.assign(size=found["score"].abs()).groupby(["variant", "measure"])["size"].max()
    weighted = largest.unstack("measure") * pd.Series(parts)
    return weighted.sum(axis=1).rename("splicing")
