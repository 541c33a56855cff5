"""Helpers for the AlphaGenome notebooks of this project: connect, load, look, compare, keep."""

from alphagenome_tools.assemblies import (
    LiftoverError,
)
from alphagenome_tools.backend import (
    backend,
    is_synthetic,
)
from alphagenome_tools.connection import (
    ModelError,
    asking,
)
from alphagenome_tools.helpers import (
    Follower,
    batch_predict_variants,
    batch_score_variants,
    check_reference,
    connect,
    create_comparison_table,
    export_bed,
    export_bigwig,
    export_html,
    export_json,
    export_to_excel,
    export_vcf,
    fit_sequence,
    gene_region,
    genes_in,
    journal_for,
    liftover,
    linear_outputs,
    load_annotation,
    load_intervals,
    load_sequences,
    load_variants,
    load_variants_from_csv,
    open_reference,
    quota,
    rank_variants,
    result_folder,
    save_figure,
    save_results,
    summary_table,
)
from alphagenome_tools.journal import (
    JournalError,
)
from alphagenome_tools.mutagenesis import (
    score_changes,
    tidy_changes,
)
from alphagenome_tools.notice import (
    notice,
)
from alphagenome_tools.outputs import (
    output_types,
)
from alphagenome_tools.problems import (
    TableError,
)
from alphagenome_tools.regions import (
    fit_interval,
    parse_region,
    parse_variant,
    variant_interval,
    variant_kind,
)
from alphagenome_tools.scores import (
    gene_expression,
    score_matrix,
    scorers_for,
    scores_table,
)
from alphagenome_tools.visualization import (
    plot_batch_summary,
    plot_combined,
    plot_contact_map,
    plot_expression_heatmap,
    plot_gene_changes,
    plot_logo,
    plot_scores,
    plot_splicing,
    plot_variant_comparison,
    quick_plot,
)

__all__ = [
    "Follower",
    "JournalError",
    "LiftoverError",
    "ModelError",
    "TableError",
    "asking",
    "backend",
    "batch_predict_variants",
    "batch_score_variants",
    "check_reference",
    "connect",
    "create_comparison_table",
    "export_bed",
    "export_bigwig",
    "export_html",
    "export_json",
    "export_to_excel",
    "export_vcf",
    "fit_interval",
    "fit_sequence",
    "gene_expression",
    "gene_region",
    "genes_in",
    "is_synthetic",
    "journal_for",
    "liftover",
    "linear_outputs",
    "load_annotation",
    "load_intervals",
    "load_sequences",
    "load_variants",
    "load_variants_from_csv",
    "notice",
    "open_reference",
    "output_types",
    "parse_region",
    "parse_variant",
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
    "quota",
    "rank_variants",
    "result_folder",
    "save_figure",
    "save_results",
    "score_changes",
    "score_matrix",
    "scorers_for",
    "scores_table",
    "summary_table",
    "tidy_changes",
    "variant_interval",
    "variant_kind",
]
