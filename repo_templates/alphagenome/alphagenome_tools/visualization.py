"""The figures, under one name: ``from alphagenome_tools import visualization``."""

from alphagenome_tools.batch_figures import plot_batch_summary
from alphagenome_tools.expression_figures import plot_expression_heatmap
from alphagenome_tools.figures import plot_variant_comparison, quick_plot
from alphagenome_tools.mutagenesis import plot_logo
from alphagenome_tools.score_figures import plot_gene_changes, plot_scores
from alphagenome_tools.structure_figures import plot_combined, plot_contact_map, plot_splicing

__all__ = [
    "plot_batch_summary",
    "plot_combined",
    "plot_contact_map",
    "plot_expression_heatmap",
    "plot_gene_changes",
    "plot_logo",
    "plot_scores",
    "plot_splicing",
    "plot_variant_comparison",
    "quick_plot",
]
