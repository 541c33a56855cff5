"""Where genes and exons lie: from an annotation file, or the offline model's own made-up exons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
from alphagenome.data import gene_annotation, genome, transcript

from alphagenome_tools.problems import TableError
from alphagenome_tools.sheets import read_text

SYNTHETIC_GENES = Path(__file__).parent / "data" / "synthetic_genes.gtf"
NEEDED = ("Chromosome", "Feature", "Start", "End", "Strand", "gene_name", "transcript_id")
GTF_COLUMNS = ("Chromosome", "Source", "Feature", "Start", "End", "Score", "Strand", "Frame")
FEATURES = ("gene", "transcript", "exon", "CDS", "start_codon", "stop_codon")
ATTRIBUTE = re.compile(r'(\w+) "?([^";]*)"?;?')
MOST_GENES = 12


def load_annotation(filepath: str | Path, chromosome: str | None = None) -> pd.DataFrame:
    """Return a gene annotation, of one chromosome or all, in the form that the client's functions take.

    Understood are GTF (also gzipped), and feather or parquet files such as the one that AlphaGenome's own
    notebooks use. Raises TableError for another file, or one without the columns that are needed.
    """
    file = Path(filepath)
    name = file.name.lower().removesuffix(".gz")
    if name.endswith(".gtf"):
        table = _read_gtf(file, chromosome)
    elif name.endswith((".feather", ".parquet")):
        table = pd.read_feather(file) if name.endswith(".feather") else pd.read_parquet(file)
    else:
        raise TableError(f"{file.name}: its ending is none of .gtf, .gtf.gz, .feather, .parquet.")
    missing = [column for column in NEEDED if column not in table]
    if missing:
        raise TableError(f"{file.name} lacks {', '.join(missing)}. Use a GENCODE annotation.")
    return table if chromosome is None else table[table["Chromosome"] == chromosome]


def _read_gtf(file: Path, chromosome: str | None) -> pd.DataFrame:
    text, _ = read_text(file)
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        cells = line.split("\t")
        if line.startswith("#") or len(cells) <= len(GTF_COLUMNS) or cells[2] not in FEATURES:
            continue
        if chromosome is None or cells[0] == chromosome:
            row = dict(zip(GTF_COLUMNS, cells, strict=False)) | dict(ATTRIBUTE.findall(cells[8]))
            rows.append({**row, "Start": int(cells[3]) - 1, "End": int(cells[4])})  # from 0, as the client
    return pd.DataFrame(rows, columns=None if rows else list(NEEDED))


def genes_in(
    interval: genome.Interval, annotation: pd.DataFrame | None = None, *, synthetic: bool = False
) -> list[transcript.Transcript]:
    """Return the longest transcript of each gene that lies in ``interval``, as figures take them.

    Without an annotation these are the offline model's genes, with made-up exons, if what is shown is
    ``synthetic``; otherwise there are none. At most the 12 longest genes are returned, from left to right.
    """
    if annotation is None:
        if not synthetic:
            return []
        annotation = load_annotation(SYNTHETIC_GENES, interval.chromosome)
    here = annotation[
        (annotation["Chromosome"] == interval.chromosome)
        & (annotation["Start"] < interval.end)
        & (annotation["End"] > interval.start)
    ]
    transcripts = here[here["Feature"] == "transcript"]
    if transcripts.empty:
        return []
    longest = transcripts.assign(length=transcripts["End"] - transcripts["Start"])
    longest = longest.sort_values("length", ascending=False, kind="stable").drop_duplicates("gene_name")
    wanted = longest.sort_values("length", ascending=False).head(MOST_GENES)["transcript_id"]
    whole = annotation[annotation["transcript_id"].isin(wanted) & (annotation["Feature"] != "gene")]
    found = transcript.TranscriptExtractor(whole).extract(interval)
    return sorted(found, key=lambda one: one.transcript_interval.start)


def gene_region(symbol: str, annotation: pd.DataFrame | None = None) -> genome.Interval:
    """Return where a gene lies; without an annotation, where the offline model has it, to about a kilobase.

    Raises ValueError for a gene that is not known.
    """
    table = load_annotation(SYNTHETIC_GENES) if annotation is None else annotation
    try:
        return gene_annotation.get_gene_interval(table, gene_symbol=symbol)
    except ValueError as error:
        raise ValueError(
            f"The annotation has no gene {symbol!r}. Give a region, or an annotation."
        ) from error
