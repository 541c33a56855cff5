"""Which bases matter: every single-base change of a stretch, as a sequence logo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from alphagenome.data import genome
from alphagenome.interpretation import ism
from alphagenome.models import dna_client, variant_scorers
from alphagenome.visualization import plot_components
from matplotlib.figure import Figure

from alphagenome_tools.connection import asking
from alphagenome_tools.figures import Genes, drawn, gene_line
from alphagenome_tools.style import finish

WIDEST = 200  # base pairs; each costs three predictions
LOGO_HEIGHT = 1.6


def score_changes(
    model: Any,
    interval: genome.Interval,
    stretch: genome.Interval,
    scorer: Any,
    terms: Sequence[str] = (),
    *,
    organism: dna_client.Organism = dna_client.Organism.HOMO_SAPIENS,
) -> pd.DataFrame:
    """Return the mean score of every single-base change of ``stretch``, by place: columns variant and score.

    The mean is over the tracks of the tissues ``terms``, all for none. Raises ValueError for a stretch of
    more than 200 bp, and ModelError.
    """
    if stretch.width > WIDEST:
        raise ValueError(
            f"{stretch.width:,} bp would cost {3 * stretch.width:,} predictions; ask for {WIDEST}."
        )
    with asking():
        found = model.score_ism_variants(interval, stretch, [scorer], organism=organism, progress_bar=False)
    rows = []
    for (scores,) in found:
        scores.uns.setdefault("variant_scorer", scorer)  # the client leaves it out here
        curies = scores.var.get("ontology_curie", pd.Series("", index=scores.var.index))
        chosen = curies.isin(list(terms)).to_numpy() if terms else np.ones(scores.shape[1], bool)
        if not chosen.any():
            raise ValueError(f"The scorer has no tracks for {', '.join(terms)}. Choose other tissues.")
        variant = scores.uns["variant"]
        score = float(np.nanmean(scores.X[:, chosen]))
        rows.append((variant.position, variant.alternate_bases, str(variant), score))
    rows.sort()  # the client gives the pieces of a stretch in the order in which they came
    return pd.DataFrame(rows, columns=["position", "alternate", "variant", "score"])[["variant", "score"]]


def tidy_changes(found: Sequence[Sequence[Any]], scorers: Sequence[Any]) -> pd.DataFrame | None:
    """Return the client's long table of what ``score_ism_variants`` gave, which names no scorers itself."""
    for scores in found:
        for one, scorer in zip(scores, scorers, strict=True):
            one.uns.setdefault("variant_scorer", scorer)
    return variant_scorers.tidy_scores(found)


def plot_logo(
    changes: pd.DataFrame,
    stretch: genome.Interval,
    *,
    title: str = "Bases that matter",
    genes: Genes = (),
    synthetic: bool = False,
) -> Figure:
    """Return a sequence logo: each base of ``stretch`` as high as the others score below it.

    ``changes`` come from :func:`score_changes`. A letter above zero: changing this base lowers the signal.
    """
    variants = [genome.Variant.from_str(str(variant)) for variant in changes["variant"]]
    matrix = ism.ism_matrix(changes["score"].to_list(), variants, stretch, multiply_by_sequence=True)
    logo = plot_components.SeqLogo(matrix, stretch, fig_height=LOGO_HEIGHT, ylabel="effect of\nthe base")
    figure = drawn([*gene_line(genes, stretch), logo], stretch)
    figure.axes[-1].axhline(0, color="#999999", linewidth=0.6)
    return finish(figure, stretch, title, 0, synthetic)
