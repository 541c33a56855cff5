"""Checks what is asked of the offline model, and says in words what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.offline.alleles import Edit, Window
from workspace_api.alphagenome.offline.catalogue import COUNTS, HUMAN, MOUSE, known_terms, resolution, select
from workspace_api.genomes import CHROMOSOMES, SUPPORTED_LENGTHS

ASSEMBLIES = {HUMAN: "hg38", MOUSE: "mm10"}
FLOAT = 4
MAX_SCORERS = 20
MAX_ISM = 10
MASKED = frozenset(COUNTS) - {pb.OUTPUT_TYPE_CONTACT_MAPS, pb.OUTPUT_TYPE_SPLICE_JUNCTIONS}
AGGREGATIONS = frozenset(pb.AggregationType.values()) - {pb.AGGREGATION_TYPE_UNSPECIFIED}


def refuse(message: str) -> CallRefused:
    """Return the refusal of an argument."""
    return CallRefused(grpc.StatusCode.INVALID_ARGUMENT, message)


def read_message(kind: Any, request: bytes) -> Any:
    """Return a serialised request as a message of its kind."""
    message = kind()
    try:
        message.ParseFromString(request)
    except Exception as error:  # protobuf has no error of its own that all its versions share
        raise refuse(f"The request is not a {kind.__name__}.") from error
    return message


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


def check_sequence(sequence: str) -> None:
    """Refuse a sequence of another length or with other letters than AlphaGenome takes."""
    check_length(len(sequence), "sequence: it")
    other = re.search(r"[^ACGTN]", sequence)
    if other is not None:
        raise refuse(
            f"sequence: letter {other.start() + 1:,} is {other[0]!r}. Write A, C, G, T and N in capitals."
        )


def edit_of(variant: pb.Variant, window: Window, field: str = "variant") -> Edit:
    """Return the variant that `field` of a request names."""
    name = f"{variant.chromosome}:{variant.position}"
    for part, bases in (("reference", variant.reference_bases), ("alternate", variant.alternate_bases)):
        if re.fullmatch(r"[ACGTN]*", bases) is None:
            raise refuse(f"{field}: the {part} bases {bases[:40]!r} may hold only A, C, G, T and N.")
    if variant.reference_bases == variant.alternate_bases:
        raise refuse(f"{field}: {name} has the same reference and alternate bases. Name what changes.")
    if len(variant.alternate_bases) > window.width:
        raise refuse(f"{field}: {name} inserts more bases than the interval is long. Shorten it.")
    if variant.chromosome != window.chromosome:
        raise refuse(f"{field}: {name} is not on {window.chromosome}, where the interval is.")
    edit = Edit(variant.position, variant.reference_bases, variant.alternate_bases)
    if edit.start < window.start or edit.end > window.end:
        raise refuse(
            f"{field}: {name} lies outside the interval {window.start}-{window.end}. Move the interval."
        )
    return edit


def terms_of(terms: Iterable[pb.OntologyTerm]) -> list[str]:
    """Return ontology terms as CURIEs."""
    names = {value: name.removeprefix("ONTOLOGY_TYPE_") for name, value in pb.OntologyType.items()}
    return [f"{names.get(term.ontology_type, term.ontology_type)}:{term.id:07d}" for term in terms]


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


def check_terms(terms: Sequence[str], organism: int) -> None:
    """Refuse terms of which this model knows none; where it knows one, the others add no tracks."""
    known = known_terms(organism)
    if terms and not known.intersection(terms):
        raise refuse(
            f"ontology_terms: the offline model has no tracks for {', '.join(terms[:5])}. Use terms of "
            "output_metadata(), for example UBERON:0001157 (transverse colon) or UBERON:0002107 (liver)."
        )


def check_scorers(scorers: Sequence[pb.VariantScorer]) -> None:
    """Refuse scorers that AlphaGenome does not have, and more of them than it takes at once."""
    _check_count("variant_scorers", len(scorers))
    for scorer in scorers:
        kind = scorer.WhichOneof("scorer")
        if kind is None:
            raise refuse("variant_scorers: one of the scorers is of no kind that this model knows.")
        _check_scored("variant_scorers", getattr(scorer, kind))
        if kind == "center_mask" and scorer.center_mask.aggregation_type not in AGGREGATIONS:
            raise refuse(
                f"variant_scorers: aggregation_type {scorer.center_mask.aggregation_type} is not known. "
                "Use one of AggregationType, for example DIFF_LOG2_SUM."
            )


def check_interval_scorers(scorers: Sequence[pb.IntervalScorer], width: int) -> None:
    """Refuse interval scorers likewise, and masks wider than the interval."""
    _check_count("interval_scorers", len(scorers))
    for scorer in scorers:
        if scorer.WhichOneof("scorer") is None:
            raise refuse("interval_scorers: one of the scorers is of no kind that this model knows.")
        _check_scored("interval_scorers", scorer.gene_mask)
        if scorer.gene_mask.width > width:
            raise refuse(
                f"interval_scorers: a mask of {scorer.gene_mask.width:,} bp is wider than the interval of "
                f"{width:,} bp. Use a longer interval."
            )


def _check_count(field: str, count: int) -> None:
    if not 0 < count <= MAX_SCORERS:
        raise refuse(f"{field}: {count} scorers were sent; send 1 to {MAX_SCORERS}.")


def _check_scored(field: str, scorer: Any) -> None:
    if "requested_output" in scorer.DESCRIPTOR.fields_by_name and scorer.requested_output not in MASKED:
        names = {value: name.removeprefix("OUTPUT_TYPE_") for name, value in pb.OutputType.items()}
        raise refuse(
            f"{field}: {names.get(scorer.requested_output, scorer.requested_output)} cannot be scored within "
            "a mask. Use another requested_output, or the scorer made for it."
        )


def stretch_of(request: Any, window: Window) -> Window:
    """Return the stretch whose every base is to be changed."""
    stretch = request.ism_interval
    where = f"ism_interval: {stretch.chromosome}:{stretch.start}-{stretch.end}"
    if stretch.chromosome != window.chromosome or not (
        window.start <= stretch.start < stretch.end <= window.end
    ):
        raise refuse(
            f"{where} does not lie inside the interval {window.start}-{window.end}. Move one of them."
        )
    if stretch.end - stretch.start > MAX_ISM:
        raise refuse(f"{where} is longer than {MAX_ISM} bp. Send it in pieces, as the client does.")
    return Window(window.organism, window.chromosome, stretch.start, stretch.end)
