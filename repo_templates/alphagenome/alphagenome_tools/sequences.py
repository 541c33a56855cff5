"""Sequences of FASTA files, and whether variants fit the reference genome."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyfaidx
from alphagenome.data import genome
from alphagenome.io import fasta

from alphagenome_tools.problems import TableError
from alphagenome_tools.regions import WINDOWS
from alphagenome_tools.sheets import read_text

NOT_BASES = re.compile(r"[^ACGTN]")
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def load_sequences(filepath: str | Path) -> dict[str, str]:
    """Return the sequences of a FASTA file (also gzipped) by their names, in capitals.

    Raises TableError, naming the record, for letters other than A, C, G, T and N, for a name that is there
    twice, and for a file without sequences.
    """
    text, _ = read_text(filepath)
    name = Path(filepath).name
    if not text.lstrip().startswith(">"):
        raise TableError(f"{name} is not a FASTA file: its first line does not begin with >.")
    found: dict[str, str] = {}
    for record in text.lstrip()[1:].split("\n>"):
        header, _, body = record.partition("\n")
        title = (header.split() or [""])[0]
        sequence = "".join(body.split()).upper()
        if not title or title in found:
            raise TableError(f"{name}: a record has no name of its own ({title!r}). Give it another one.")
        if other := NOT_BASES.search(sequence):
            raise TableError(
                f"{name}, {title}: letter {other.start() + 1:,} is {other[0]!r}. AlphaGenome reads A, C, G, "
                "T and N; write N for what is not known."
            )
        if not sequence:
            raise TableError(f"{name}, {title}: the sequence is empty.")
        found[title] = sequence
    return found


def fit_sequence(sequence: str) -> str:
    """Return ``sequence`` in the middle of the smallest window that holds it, with N on both sides.

    Raises ValueError when it is longer than the largest window.
    """
    fitting = [window for window in WINDOWS if window >= len(sequence)]
    if not fitting:
        raise ValueError(
            f"The sequence has {len(sequence):,} bases; the model reads at most {WINDOWS[-1]:,}."
        )
    return sequence.center(fitting[0], "N")


def open_reference(filepath: str | Path) -> fasta.FastaExtractor:
    """Return the client's reader of a reference genome; its index is made beside it where there is none.

    Raises TableError when the file cannot be read, or lies where no index can be written.
    """
    path = Path(filepath)
    try:
        pyfaidx.Faidx(str(path)).close()
        return fasta.FastaExtractor(str(path))
    except (OSError, pyfaidx.FastaIndexingError, pyfaidx.UnsupportedCompressionFormat) as error:
        raise TableError(
            f"{path.name} cannot be read as a reference genome: {error}. It must be a FASTA file, plain or "
            f"compressed by bgzip, with an index ({path.name}.fai; samtools faidx makes it)."
        ) from error


def check_reference(variants: Iterable[genome.Variant], reference: fasta.FastaExtractor) -> pd.DataFrame:
    """Return the variants whose reference allele is not what the genome has there; none: an empty table.

    Columns: variant, genome (the bases that are there) and message, which says when the alleles are swapped
    or stand on the other strand.
    """
    rows = []
    for variant in variants:
        if variant.chromosome not in reference:
            rows.append((str(variant), "", f"the reference file has no {variant.chromosome}."))
            continue
        there = reference.extract(variant.reference_interval)
        if there != variant.reference_bases:
            rows.append((str(variant), there, _mismatch(variant, there)))
    return pd.DataFrame(rows, columns=["variant", "genome", "message"])


def _mismatch(variant: genome.Variant, there: str) -> str:
    words = f"the genome has {there} there, not {variant.reference_bases}"
    if there == variant.alternate_bases:
        return f"{words}: reference and alternate are swapped."
    if there == variant.reference_bases.translate(COMPLEMENT)[::-1]:
        return f"{words}: the alleles are those of the other strand."
    return f"{words}. Is the position from another assembly, or counted from 0?"
