"""What a question is about, and when two are the same."""

from __future__ import annotations

import datetime as dt

import pytest
from alphagenome.data import ontology
from alphagenome.protos import atlas_service_pb2 as atlas
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from tests.alphagenome.bench_desk import metadata, variant
from tests.alphagenome.conftest import COLON, INTERVAL, LIVER, VARIANT
from tests.alphagenome.test_refusals import score_question, scorer
from workspace_api.alphagenome.backends import METHODS, CallRefused, Question
from workspace_api.alphagenome.questions import answer_key, facts_of
from workspace_api.alphagenome.sizes import check_size

TODAY = dt.date(2026, 1, 2)
TERMS = [ontology.from_curie(term).to_proto() for term in (LIVER, COLON)]
CAP = 400_000_000


def key(question: Question, *, backend: str = "one", namespace: str = "", today: dt.date = TODAY) -> str:
    return answer_key(question, facts_of(question), backend, namespace, today)


def scored(**changes) -> Question:
    return Question(METHODS["ScoreVariant"], score_question(**changes).SerializeToString())


def listed(mask: str) -> Question:
    request = atlas.GetDenseVariantScoresRequest(variant=VARIANT.to_proto(), filter="all")
    return Question(METHODS["GetDenseVariantScores"], request.SerializeToString(), mask)


def test_order_and_repetition_of_outputs_and_tissues_make_no_difference():
    outputs = [pb.OUTPUT_TYPE_ATAC, pb.OUTPUT_TYPE_DNASE]

    assert key(variant(requested_outputs=outputs, ontology_terms=TERMS)) == key(
        variant(requested_outputs=outputs[::-1] * 2, ontology_terms=TERMS[::-1] * 2)
    )


def test_the_order_of_scorers_does_since_clients_take_scores_by_position():
    one, other = scorer(), scorer(width=501)

    assert key(scored(variant_scorers=[one, other])) != key(scored(variant_scorers=[other, one]))


@pytest.mark.parametrize(
    "other",
    [
        variant(ontology_terms=[]),
        variant(organism=pb.ORGANISM_MUS_MUSCULUS),
        variant(model_version="FOLD_1"),
    ],
    ids=["tissues", "organism", "model version"],
)
def test_what_makes_another_answer_makes_another_key(other):
    assert key(other) != key(variant())


def test_backend_and_owner_make_another_key():
    assert len({key(variant()), key(variant(), backend="two"), key(variant(), namespace="user ada")}) == 3


def test_a_day_makes_another_key_for_metadata_alone():
    tomorrow = TODAY + dt.timedelta(days=1)

    assert key(metadata()) != key(metadata(), today=tomorrow)
    assert key(variant()) == key(variant(), today=tomorrow)


def test_the_fields_that_the_atlas_leaves_out_make_another_key():
    assert key(listed("scores.shape,variant")) == key(listed("variant,scores.shape"))
    assert key(listed("variant")) != key(listed(""))


def test_a_variants_bases_are_read_for_both_alleles_and_mutagenesis_for_every_change():
    stretch = pb.Interval(chromosome="chr22", start=INTERVAL.start, end=INTERVAL.start + 10)
    request = service.ScoreIsmVariantRequest(interval=INTERVAL.to_proto(), ism_interval=stretch)
    ism = Question(METHODS["ScoreIsmVariant"], request.SerializeToString())

    assert facts_of(variant()).bases == 2 * INTERVAL.width
    assert facts_of(ism).bases == 31 * INTERVAL.width


def test_of_a_sequence_only_the_length_is_told():
    request = service.PredictSequenceRequest(sequence="ACGT" * 4096)
    facts = facts_of(Question(METHODS["PredictSequence"], request.SerializeToString()))

    assert (facts.place, facts.bases) == ("sequence of 16,384 bp", 16_384)


@pytest.mark.parametrize("end", [2**62, 10**8])
def test_more_bases_than_a_book_could_count_are_refused_before_anything_is_put_down(end):
    everything = pb.Interval(chromosome="chr22", start=0, end=end)
    request = service.ScoreIsmVariantRequest(interval=everything, ism_interval=everything)

    with pytest.raises(CallRefused, match="Ask for a shorter interval"):
        facts_of(Question(METHODS["ScoreIsmVariant"], request.SerializeToString()))


def test_what_somebody_makes_up_stands_in_one_line_of_the_log():
    name = "chr22\n2026-01-01\tPredictVariant\0"
    facts = facts_of(
        variant(
            interval=pb.Interval(chromosome=name, start=0, end=16_384),
            variant=pb.Variant(chromosome=name, position=1, reference_bases="A\n", alternate_bases="\x1b"),
        )
    )

    assert facts.place == "chr22?2026-01-01?PredictVariant?:0-16384"
    assert facts.variant == "chr22?2026-01-01?PredictVariant?:1:A?>?"


def test_all_tracks_of_a_long_window_are_refused_with_the_remedy_before_anything_is_asked():
    wide = pb.Interval(chromosome="chr22", start=35_677_410, end=36_725_986)
    everything = variant(
        interval=wide, requested_outputs=[pb.OUTPUT_TYPE_RNA_SEQ], ontology_terms=[], model_version=""
    )
    with pytest.raises(CallRefused) as told:
        check_size(facts_of(everything), CAP)

    assert "5,595 MB" in told.value.message
    assert "fewer tissues" in told.value.message
    check_size(facts_of(everything), 0)
    check_size(facts_of(variant(interval=wide, ontology_terms=TERMS)), CAP)
