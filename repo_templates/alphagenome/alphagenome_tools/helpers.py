"""Loading, asking and keeping, under one name: ``from alphagenome_tools import helpers``."""

from alphagenome_tools.annotation import gene_region, genes_in, load_annotation
from alphagenome_tools.assemblies import liftover
from alphagenome_tools.batch import batch_predict_variants, batch_score_variants, journal_for
from alphagenome_tools.connection import connect
from alphagenome_tools.exports import (
    export_bed,
    export_bigwig,
    export_html,
    export_json,
    export_to_excel,
    export_vcf,
)
from alphagenome_tools.following import Follower
from alphagenome_tools.loading import load_intervals, load_variants, load_variants_from_csv
from alphagenome_tools.ranking import rank_variants
from alphagenome_tools.results import result_folder, save_figure, save_results
from alphagenome_tools.sequences import check_reference, fit_sequence, load_sequences, open_reference
from alphagenome_tools.tables import create_comparison_table, linear_outputs, summary_table
from alphagenome_tools.usage import quota

__all__ = [
    "Follower",
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
    "fit_sequence",
    "gene_region",
    "genes_in",
    "journal_for",
    "liftover",
    "linear_outputs",
    "load_annotation",
    "load_intervals",
    "load_sequences",
    "load_variants",
    "load_variants_from_csv",
    "open_reference",
    "quota",
    "rank_variants",
    "result_folder",
    "save_figure",
    "save_results",
    "summary_table",
]
