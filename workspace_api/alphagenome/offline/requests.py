"""Checks what is asked of the offline model, and says in words what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import grpc
from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.offline.alleles import Edit, Window
from workspace_api.alphagenome.offline.catalogue import COUNTS, HUMAN, MOUSE, resolution, select
from workspace_api.genomes import CHROMOSOMES, SUPPORTED_LENGTHS

ASSEMBLIES = {HUMAN: "hg38", MOUSE: "mm10"}
FLOAT = 4
MAX_SCORERS = 20


def refuse(message: str) -> CallRefused:
    """Return the refusal of an argument."""
    return CallRefused(grpc.StatusCode.INVALID_ARGUMENT, message)


def organism_of(value: int) -> int:
    """Return the organism; human where none is named."""
    if value == pb.ORGANISM_UNSPECIFIED:
        return int(HUMAN)
    if value not in ASSEMBLIES:
        raise refuse(f"organism: {value} is not known. Use HOMO_SAPIENS or MUS_MUSCULUS.")
    return value


def window_of(interval: pb.Interval, organism: int) -> Window:
    """Return the interval that is asked about."""
    assembly = ASSEMBLIES[organism]
    known = CHROMOSOMES[assembly]
    where = f"{interval.chromosome}:{interval.start}-{interval.end}"
    if interval.chromosome not in known:
        raise refuse(
            f"interval: {assembly} has no chromosome {interval.chromosome[:40]!r}. Write it like chr22."
        )
    width = interval.end - interval.start
    check_length(width, f"interval: {where}")
    if interval.start < 0 or interval.end > known[interval.chromosome]:
        end = known[interval.chromosome]
        raise refuse(
            f"interval: {where} leaves {interval.chromosome}, which ends at {end:,}. Move it inside."
        )
    return Window(organism, interval.chromosome, interval.start, interval.end)


def check_length(width: int, what: str) -> None:
    """Refuse a length that AlphaGenome does not take."""
    if width not in SUPPORTED_LENGTHS:
        supported = ", ".join(f"{length:,}" for length in SUPPORTED_LENGTHS)
        raise refuse(f"{what} is {width:,} bp long. Supported lengths are {supported} bp; resize it.")


def edit_of(variant: pb.Variant, window: Window) -> Edit:
    """Return the variant that is asked about."""
    name = f"{variant.chromosome}:{variant.position}"
    for part, bases in (("reference", variant.reference_bases), ("alternate", variant.alternate_bases)):
        if re.fullmatch(r"[ACGTN]*", bases) is None:
            raise refuse(f"variant: the {part} bases {bases[:40]!r} may hold only A, C, G, T and N.")
    if variant.chromosome != window.chromosome:
        raise refuse(f"variant: {name} is not on {window.chromosome}, where the interval is.")
    edit = Edit(variant.position, variant.reference_bases, variant.alternate_bases)
    if edit.start < window.start or edit.end > window.end:
        raise refuse(
            f"variant: {name} lies outside the interval {window.start}-{window.end}. Move the interval."
        )
    return edit


def terms_of(terms: Iterable[pb.OntologyTerm]) -> list[str]:
    """Return ontology terms as CURIEs."""
    return [
        f"{pb.OntologyType.Name(t.ontology_type).removeprefix('ONTOLOGY_TYPE_')}:{t.id:07d}" for t in terms
    ]


def outputs_of(values: Sequence[int]) -> list[int]:
    """Return the output types that are asked for, each once."""
    for value in values:
        if value not in COUNTS:
            raise refuse(f"requested_outputs: {value} is not an output type that this model has.")
    if not values:
        raise refuse("requested_outputs: name at least one output type.")
    return list(dict.fromkeys(values))


def check_size(  # the answer's size follows from these five and nothing else
    width: int, outputs: Sequence[int], organism: int, terms: Sequence[str], alleles: int, limit: int
) -> None:
    """Refuse a request whose answer would be larger than `limit` bytes."""
    size = 0
    for output in outputs:
        count, positions = len(select(output, organism, terms)), width // resolution(output)
        values = positions**2 if output == pb.OUTPUT_TYPE_CONTACT_MAPS else positions
        if output != pb.OUTPUT_TYPE_SPLICE_JUNCTIONS:
            size += values * count * FLOAT * alleles
    if size > limit:
        raise refuse(
            f"The answer would take {size / 1e6:,.0f} MB; this workspace allows {limit / 1e6:,.0f} MB. Name "
            "fewer tissues (ontology_terms) or outputs (requested_outputs), or a shorter interval."
        )


def check_scorers(count: int) -> None:
    """Refuse more scorers than AlphaGenome takes at once."""
    if not 0 < count <= MAX_SCORERS:
        raise refuse(f"variant_scorers: {count} scorers were sent; send 1 to {MAX_SCORERS}.")
