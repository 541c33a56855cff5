"""What a question is about, and the key under which its answer is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from alphagenome.protos import atlas_service_pb2 as atlas
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from workspace_api.alphagenome.backends import CallRefused, Question

KINDS: Mapping[str, Any] = {
    "PredictSequence": service.PredictSequenceRequest,
    "PredictInterval": service.PredictIntervalRequest,
    "PredictVariant": service.PredictVariantRequest,
    "ScoreInterval": service.ScoreIntervalRequest,
    "ScoreVariant": service.ScoreVariantRequest,
    "ScoreIsmVariant": service.ScoreIsmVariantRequest,
    "GetMetadata": service.MetadataRequest,
    "ListDenseVariantScores": atlas.ListDenseVariantScoresRequest,
    "GetDenseVariantScores": atlas.GetDenseVariantScoresRequest,
    "ListVariantScoresMetadata": atlas.ListVariantScoresMetadataRequest,
}
PASSES = {"PredictVariant": 2, "ScoreVariant": 2}  # how often the model reads the bases; else once
FORMAT = "lfag1"  # of keys and of what is kept under them
MOST_BASES = 10**13  # of a question; every base of the longest window changed in three ways is a third of it


@dataclass(frozen=True)
class Facts:
    """What a question is about.

    `bases` are those that the model has to read: the window, for each allele. `place` and `variant` are as
    people write them, empty where there is none; of a sequence only its length is told. `canonical` is the
    question with everything in one order that has no order of its own; scorers keep theirs, since clients
    take answers by position.
    """

    canonical: bytes
    organism: int
    bases: int
    width: int
    alleles: int
    place: str
    variant: str
    outputs: tuple[int, ...]
    all_tissues: bool
    scorers: int

    @property
    def output_names(self) -> str:
        """The output types by their names."""
        names = {value: name.removeprefix("OUTPUT_TYPE_") for name, value in pb.OutputType.items()}
        return ",".join(names.get(value, str(value)) for value in self.outputs)


def facts_of(question: Question) -> Facts:
    """Read a question; refuses with INVALID_ARGUMENT what is none, and what no book could count."""
    kind = KINDS[question.method.name]
    message = kind()
    try:
        message.ParseFromString(question.body)
    except Exception as error:  # protobuf has no error of its own that all its versions share
        raise CallRefused(
            grpc.StatusCode.INVALID_ARGUMENT, f"The request is not a {kind.__name__}."
        ) from error
    interval, variant = getattr(message, "interval", None), getattr(message, "variant", None)
    sequence = getattr(message, "sequence", "")
    width = len(sequence) if interval is None else max(0, interval.end - interval.start)
    alleles = PASSES.get(question.method.name, 1)
    bases = width * _passes(message, alleles)
    if bases > MOST_BASES:
        raise CallRefused(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"interval: {bases:.1e} bases would have to be read. Ask for a shorter interval or stretch.",
        )
    terms = getattr(message, "ontology_terms", None)
    outputs = tuple(dict.fromkeys(getattr(message, "requested_outputs", ())))
    return Facts(
        canonical=_canonical(message),
        organism=message.organism,
        bases=bases,
        width=width,
        alleles=alleles,
        place=f"sequence of {width:,} bp" if sequence else _place(interval),
        variant=_variant(variant),
        outputs=outputs,
        all_tissues=terms is not None and len(terms) == 0,
        scorers=len(getattr(message, "variant_scorers", ()) or getattr(message, "interval_scorers", ())),
    )


def answer_key(question: Question, facts: Facts, backend: str, namespace: str, today: dt.date) -> str:
    """Return the key of an answer: equal for equal questions to one backend, within one `namespace`."""
    parts = [
        FORMAT,
        backend,
        namespace,
        question.method.path,
        ",".join(sorted(set(filter(None, question.field_mask.split(","))))),
        today.isoformat() if question.method.daily else "",
    ]
    digest = hashlib.sha256(json.dumps(parts).encode())
    digest.update(facts.canonical)
    return digest.hexdigest()


def _canonical(message: Any) -> bytes:
    """Serialise a request; `message` itself is changed."""
    message.DiscardUnknownFields()
    if hasattr(message, "ontology_terms"):
        _put(message.ontology_terms, _unique(message.ontology_terms))
    if hasattr(message, "requested_outputs"):
        _put(message.requested_outputs, sorted(set(message.requested_outputs)))
    serialised: bytes = message.SerializeToString(deterministic=True)
    return serialised


def _unique(terms: Iterable[pb.OntologyTerm]) -> list[pb.OntologyTerm]:
    known = {(term.ontology_type, term.id): term for term in terms}
    return [pb.OntologyTerm(ontology_type=kind, id=number) for kind, number in sorted(known)]


def _put(field: Any, values: list[Any]) -> None:
    del field[:]
    field.extend(values)


def _passes(message: Any, alleles: int) -> int:
    """Return how often the model reads the window: for mutagenesis once, and for each change of each base."""
    stretch = getattr(message, "ism_interval", None)
    return alleles if stretch is None else 1 + 3 * max(0, stretch.end - stretch.start)


def _place(interval: Any) -> str:
    if interval is None or not interval.chromosome:
        return ""
    return f"{_printable(interval.chromosome[:40])}:{interval.start}-{interval.end}"


def _variant(variant: Any) -> str:
    if variant is None or not variant.chromosome:
        return ""
    bases = (_short(variant.reference_bases), _short(variant.alternate_bases))
    return f"{_printable(variant.chromosome[:40])}:{variant.position}:{bases[0]}>{bases[1]}"


def _short(bases: str) -> str:
    """Return a few bases as they are, of many how many they are."""
    return _printable(bases if len(bases) <= 20 else f"{bases[:12]}…({len(bases)})")


def _printable(text: str) -> str:
    """Return text as it can stand in a line of the usage log, whoever made it up."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
