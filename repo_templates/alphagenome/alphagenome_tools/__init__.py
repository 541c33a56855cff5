"""Small helpers for the AlphaGenome notebooks of this project: connect, look, compare, keep."""

from alphagenome_tools.backend import backend, is_synthetic
from alphagenome_tools.connection import ModelError, asking, connect
from alphagenome_tools.figures import plot_gene_changes, plot_scores, plot_variant_comparison, quick_plot
from alphagenome_tools.notice import notice
from alphagenome_tools.outputs import output_types
from alphagenome_tools.regions import (
    fit_interval,
    parse_region,
    parse_variant,
    variant_interval,
    variant_kind,
)
from alphagenome_tools.results import save_results
from alphagenome_tools.scores import gene_expression, score_matrix, scorers_for, scores_table
from alphagenome_tools.tables import create_comparison_table, summary_table

__all__ = [
    "ModelError",
    "asking",
    "backend",
    "connect",
    "create_comparison_table",
    "fit_interval",
    "gene_expression",
    "is_synthetic",
    "notice",
    "output_types",
    "parse_region",
    "parse_variant",
    "plot_gene_changes",
    "plot_scores",
    "plot_variant_comparison",
    "quick_plot",
    "save_results",
    "score_matrix",
    "scorers_for",
    "scores_table",
    "summary_table",
    "variant_interval",
    "variant_kind",
]
