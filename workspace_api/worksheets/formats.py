"""The formats of the field: each turns what was typed into its one proper form, or says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from workspace_api.genomes import CHROMOSOMES

Check = Callable[[str, Mapping[str, Any]], str]

# Both read text whose white space is single blanks: runs of it would make them slow.
VARIANT = re.compile(r"([^: ]+) ?[: ] ?([0-9][0-9,_ ]*?) ?[: ] ?([^:>/ ]*) ?[>/:] ?([^:>/ ]*)")
DASHED = re.compile(r"[^: -]+-[0-9]+-[A-Za-z]*-[A-Za-z]*")  # as gnomAD writes it
INTERVAL = re.compile(r"([^: ]+) ?: ?([0-9][0-9,_]*) ?(?:-|–|\.\.) ?([0-9][0-9,_]*)")
TERM = re.compile(r"(UBERON|CL|CLO|EFO|NTR):([0-9]{1,10})")
_HOME = re.compile(r"^(~|/home/jovyan)/")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
BASES = re.compile(r"[ACGT]+")
VARIANT_EXAMPLE = "Write it like chr22:36201698:A>C."
INTERVAL_EXAMPLE = "Write it like chr22:35677410-36725986."
SHOWN = 80


class FormatError(ValueError):
    """A value that does not fit its format; the message names it and the remedy."""


def shown(value: object) -> str:
    """Return a value as a message quotes it, shortened."""
    text = str(value)
    return f"“{text[:SHOWN]}…”" if len(text) > SHOWN else f"“{text}”"


def genomic_variant(text: str, schema: Mapping[str, Any]) -> str:
    """Return `chr22:36201698:A>C` for what was typed; position from 1, as in VCF."""
    if not text.strip():
        raise FormatError(f"The variant is missing. {VARIANT_EXAMPLE}")
    spaced = " ".join(text.split())
    match = VARIANT.fullmatch(spaced.replace("-", ":") if DASHED.fullmatch(spaced) else spaced)
    if match is None:
        raise FormatError(f"{shown(text)} is not a variant. {VARIANT_EXAMPLE}")
    chromosome, length = _chromosome(match[1], schema)
    position = _position(match[2])
    reference, alternate = match[3].upper(), match[4].upper()
    if not alternate:
        raise FormatError(f"The alternate allele is missing. {VARIANT_EXAMPLE}")
    if not reference:
        raise FormatError(f"The reference allele is missing. {VARIANT_EXAMPLE}")
    for name, allele in (("reference", reference), ("alternate", alternate)):
        if not BASES.fullmatch(allele):
            raise FormatError(f"The {name} allele {shown(allele)} may hold only A, C, G and T.")
    if reference == alternate:
        raise FormatError(
            f"The alternate allele is the same as the reference, {shown(reference)}. Change one of them."
        )
    _within(chromosome, position, length)
    _within(chromosome, position + len(reference) - 1, length)
    return f"{chromosome}:{position}:{reference}>{alternate}"


def genomic_interval(text: str, schema: Mapping[str, Any]) -> str:
    """Return `chr22:35677410-36725986` for what was typed; start from 0, end not included."""
    match = INTERVAL.fullmatch(" ".join(text.split()))
    if match is None:
        raise FormatError(f"{shown(text)} is not a region. {INTERVAL_EXAMPLE}")
    chromosome, length = _chromosome(match[1], schema)
    start, end = _position(match[2]), _position(match[3])
    if end <= start:
        raise FormatError(f"The end, {end:,}, must lie after the start, {start:,}.")
    if end > length:
        raise FormatError(f"{chromosome} ends at {length:,}; {end:,} lies beyond it.")
    _check_length(end - start, schema, "region")
    return f"{chromosome}:{start}-{end}"


def ontology_term(text: str, _schema: Mapping[str, Any]) -> str:
    """Return a CURIE such as `UBERON:0001157`; a name before it in words is left out."""
    inside = re.search(r"\(([^()]+)\)\s*$", text)
    term = (inside[1] if inside else text).strip()
    match = TERM.fullmatch(term.upper())
    if match is None:
        raise FormatError(
            f"{shown(text)} is not an ontology term. Write it like UBERON:0001157; the prefix is one of "
            "UBERON, CL, CLO, EFO, NTR."
        )
    return f"{match[1]}:{match[2]}"


def dna_sequence(text: str, schema: Mapping[str, Any]) -> str:
    """Return a sequence in capitals without white space; A, C, G, T and N."""
    sequence = re.sub(r"\s+", "", text).upper()
    wrong = re.search(r"[^ACGTN]", sequence)
    if wrong is not None:
        raise FormatError(
            f"A sequence may hold only A, C, G, T and N; letter {wrong.start() + 1} is {shown(wrong[0])}."
        )
    if not sequence:
        raise FormatError("The sequence is missing.")
    _check_length(len(sequence), schema, "sequence")
    return sequence


def file_path(text: str, schema: Mapping[str, Any]) -> str:
    """Return `~/data/table.csv` or a path below /shared, without needless parts.

    What stands there by default is a file of the project, beside the notebook, and stays as it is.
    """
    if text and text == schema.get("default"):
        return text
    path = PurePosixPath(_HOME.sub("", text.strip(), count=1) or ".")
    shared = path.is_relative_to("/shared") and len(path.parts) > len(("/", "shared"))
    outside = path.is_absolute() and not shared
    if outside or ".." in path.parts or not path.name or CONTROL.search(str(path)):
        raise FormatError(
            f"{shown(text)} is not a file you can choose. Write its path below your home, or below /shared."
        )
    return str(path) if shared else f"~/{path}"


FORMATS: Mapping[str, Check] = {
    "genomic-variant": genomic_variant,
    "genomic-interval": genomic_interval,
    "ontology-term": ontology_term,
    "dna-sequence": dna_sequence,
    "file": file_path,
}


def _chromosome(name: str, schema: Mapping[str, Any]) -> tuple[str, int]:
    assembly = str(schema.get("x-assembly", "hg38"))
    known = CHROMOSOMES[assembly]
    bare = re.sub(r"(?i)^chr", "", name)
    proper = "chr" + ("M" if bare.upper() in ("M", "MT") else bare.upper())
    if proper not in known:
        raise FormatError(f"{assembly} has no chromosome {shown(name)}. It has {_named(list(known))}.")
    return proper, known[proper]


def _named(chromosomes: Sequence[str]) -> str:
    numbers = [name for name in chromosomes if name[3:].isdigit()]
    others = [name for name in chromosomes if not name[3:].isdigit()]
    return f"{numbers[0]} to {numbers[-1]}, {', '.join(others[:-1])} and {others[-1]}"


def _position(text: str) -> int:
    digits = re.sub(r"[,_ ]", "", text)
    if len(digits) > 12:
        raise FormatError(f"The position {shown(digits)} is beyond every chromosome.")
    return int(digits)


def _within(chromosome: str, position: int, length: int) -> None:
    if position < 1:
        raise FormatError("Positions of variants are counted from 1.")
    if position > length:
        raise FormatError(f"{chromosome} ends at {length:,}; {position:,} lies beyond it.")


def _check_length(length: int, schema: Mapping[str, Any], what: str) -> None:
    lengths = schema.get("x-lengths")
    if isinstance(lengths, list) and lengths and length not in lengths:
        listed = ", ".join(f"{number:,}" for number in lengths)
        raise FormatError(f"The {what} is {length:,} bp long. Supported lengths are {listed} bp.")
    longest = schema.get("x-max-length")
    if isinstance(longest, int) and length > longest:
        raise FormatError(f"The {what} is {length:,} bp long. At most {longest:,} bp are supported.")
