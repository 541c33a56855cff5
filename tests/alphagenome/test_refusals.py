"""Whom and what the gateway refuses: with a status the client does not try again on, and words that help."""

from __future__ import annotations

import queue
import time

import grpc
import pytest
from alphagenome.data import genome, ontology
from alphagenome.models import dna_client, variant_scorers
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from auth.identity import Identity, Level
from tests.alphagenome.asking import Refused
from tests.alphagenome.conftest import INTERVAL, LIVER, VARIANT
from workspace_api.alphagenome.callers import REMEMBERED_SECONDS

DNASE = dna_client.OutputType.DNASE
ADA = Identity(user="ada", level=Level.DEVELOPER)
CENTER = variant_scorers.CenterMaskScorer(DNASE, 501, variant_scorers.AggregationType.DIFF_MEAN)


def question(**changes) -> service.PredictVariantRequest:
    """A good question about a variant, with some of it changed."""
    values = {
        "interval": INTERVAL.to_proto(),
        "variant": VARIANT.to_proto(),
        "organism": pb.ORGANISM_HOMO_SAPIENS,
        "requested_outputs": [pb.OUTPUT_TYPE_DNASE],
        "ontology_terms": [ontology.from_curie(LIVER).to_proto()],
    }
    return service.PredictVariantRequest(**{**values, **changes})


def score_question(**changes) -> service.ScoreVariantRequest:
    """A good question for scores, with some of it changed."""
    values = {
        "interval": INTERVAL.to_proto(),
        "variant": VARIANT.to_proto(),
        "organism": pb.ORGANISM_HOMO_SAPIENS,
        "variant_scorers": [CENTER.to_proto()],
    }
    return service.ScoreVariantRequest(**{**values, **changes})


def variant(
    position: int, reference: str = "A", alternate: str = "C", chromosome: str = "chr22"
) -> pb.Variant:
    return genome.Variant(chromosome, position, reference, alternate).to_proto()


def scorer(**changes) -> pb.VariantScorer:
    values = {"requested_output": pb.OUTPUT_TYPE_DNASE, "aggregation_type": pb.AGGREGATION_TYPE_DIFF_MEAN}
    return pb.VariantScorer(center_mask=pb.CenterMaskScorer(**{**values, **changes}))


BAD = {
    "length": (
        question(interval=pb.Interval(chromosome="chr22", start=36_000_000, end=36_000_100)),
        ("interval", "100 bp", "16,384", "resize"),
    ),
    "chromosome": (
        question(interval=pb.Interval(chromosome="chr99", start=0, end=16_384)),
        ("interval", "chr99", "like chr22"),
    ),
    "chromosome without chr": (
        question(interval=pb.Interval(chromosome="22", start=0, end=16_384)),
        ("interval", "'22'", "like chr22"),
    ),
    "interval before the chromosome": (
        question(interval=pb.Interval(chromosome="chr22", start=-10, end=16_374)),
        ("interval", "-10", "Move it inside"),
    ),
    "interval past the chromosome": (
        question(interval=pb.Interval(chromosome="chr22", start=50_810_000, end=50_826_384)),
        ("interval", "50,818,468", "Move it inside"),
    ),
    "organism": (question(organism=7), ("organism", "7", "HOMO_SAPIENS")),
    "position outside the interval": (
        question(variant=variant(INTERVAL.end + 1)),
        ("variant", str(INTERVAL.end + 1), "Move the interval"),
    ),
    "variant that leaves the interval": (
        question(variant=variant(INTERVAL.end, "AC", "A")),
        ("variant", str(INTERVAL.end), "Move the interval"),
    ),
    "variant of another chromosome": (
        question(variant=variant(VARIANT.position, chromosome="chr1")),
        ("variant", "chr1", "chr22"),
    ),
    "alternate that is the reference": (
        question(variant=variant(VARIANT.position, "A", "A")),
        ("variant", "36201698", "Name what changes"),
    ),
    "bases": (
        question(variant=pb.Variant(chromosome="chr22", position=VARIANT.position, reference_bases="<DEL>")),
        ("variant", "<DEL>", "only A, C, G, T and N"),
    ),
    "ontology term": (
        question(ontology_terms=[ontology.from_curie("UBERON:9999999").to_proto()]),
        ("ontology_terms", "UBERON:9999999", "output_metadata()"),
    ),
    "kind of ontology term": (
        question(ontology_terms=[pb.OntologyTerm(ontology_type=77, id=1)]),
        ("ontology_terms", "77", "output_metadata()"),
    ),
    "no output": (question(requested_outputs=[]), ("requested_outputs", "name at least one")),
    "output": (question(requested_outputs=[99]), ("requested_outputs", "99")),
    "too many outputs": (
        question(
            interval=VARIANT.reference_interval.resize(1_048_576).to_proto(),
            requested_outputs=[pb.OUTPUT_TYPE_DNASE, pb.OUTPUT_TYPE_RNA_SEQ],
            ontology_terms=[],
        ),
        ("requested_outputs", "8,154 MB", "400 MB", "fewer tissues"),
    ),
}
BAD_SCORERS = {
    "none": (score_question(variant_scorers=[]), ("variant_scorers", "0", "1 to 20")),
    "too many": (score_question(variant_scorers=[scorer()] * 21), ("variant_scorers", "21", "1 to 20")),
    "empty": (score_question(variant_scorers=[pb.VariantScorer()]), ("variant_scorers", "no kind")),
    "aggregation": (
        score_question(variant_scorers=[scorer(aggregation_type=55)]),
        ("variant_scorers", "55", "AggregationType"),
    ),
    "output": (
        score_question(variant_scorers=[scorer(requested_output=pb.OUTPUT_TYPE_CONTACT_MAPS)]),
        ("variant_scorers", "CONTACT_MAPS", "scorer made for it"),
    ),
}


@pytest.fixture(scope="module")
def ask(gateway):
    """Sends a bare question with a good token, and returns the refusal."""
    metadata = [("x-goog-api-key", gateway.token().secret)]

    def send(method: str, request) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as refusal:
            list(getattr(gateway.stub(), method)(iter([request]), metadata=metadata))
        return refusal.value

    return send


def refusal_of(client) -> Refused:
    with pytest.raises(Refused) as refusal:
        client.predict_interval(INTERVAL, requested_outputs=[DNASE], ontology_terms=[LIVER])
    return refusal.value


@pytest.mark.parametrize("token", ["lf_" + "0" * 40, "an API key of Google's", "'; --"])
def test_an_unknown_token_is_refused_and_the_remedy_named(gateway, token):
    refusal = refusal_of(gateway.client(token))

    assert refusal.status == "UNAUTHENTICATED"
    assert "Make one with the scope alphagenome on your account page" in refusal.words
    assert token not in refusal.words


@pytest.mark.parametrize("metadata", [[], [("x-goog-api-key", "")]], ids=["no header", "an empty one"])
def test_a_call_without_a_token_is_refused_and_the_remedy_named(gateway, metadata):
    with pytest.raises(grpc.RpcError) as refusal:
        list(gateway.stub().PredictVariant(iter([question()]), metadata=metadata))

    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert refusal.value.details().startswith("No token was sent. Make one")


def test_a_call_without_a_token_is_refused_before_it_asks_anything(gateway):
    with pytest.raises(grpc.RpcError) as refusal:
        next(gateway.stub().PredictVariant(iter(queue.Queue().get, None)))

    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_metadata_need_a_token_too(gateway):
    with pytest.raises(grpc.RpcError) as refusal:
        list(gateway.stub().GetMetadata(service.MetadataRequest()))

    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_for_something_else_is_refused_and_the_scope_named(gateway):
    refusal = refusal_of(gateway.client(gateway.token("read_api").secret))

    assert refusal.status == "UNAUTHENTICATED"
    assert "lacks the scope alphagenome" in refusal.words


def test_a_token_stops_working_a_second_after_it_is_revoked(gateway):
    new = gateway.token()
    client = gateway.client(new.secret)
    client.predict_interval(INTERVAL, requested_outputs=[DNASE], ontology_terms=[LIVER])
    gateway.workspace.tokens.revoke(ADA, new.token.id)
    time.sleep(REMEMBERED_SECONDS)

    refusal = refusal_of(client)
    assert refusal.status == "UNAUTHENTICATED"
    assert "revoked" in refusal.words


@pytest.mark.parametrize("name", BAD)
def test_a_bad_question_is_refused_by_field_value_and_remedy(ask, name):
    request, words = BAD[name]
    refusal = ask("PredictVariant", request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [word for word in words if word not in refusal.details()] == []


@pytest.mark.parametrize("name", BAD_SCORERS)
def test_bad_scorers_are_refused_by_field_value_and_remedy(ask, name):
    request, words = BAD_SCORERS[name]
    refusal = ask("ScoreVariant", request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [word for word in words if word not in refusal.details()] == []


def test_a_good_question_is_answered(gateway):
    metadata = [("x-goog-api-key", gateway.token().secret)]

    assert list(gateway.stub().PredictVariant(iter([question()]), metadata=metadata))
    assert list(gateway.stub().ScoreVariant(iter([score_question()]), metadata=metadata))


@pytest.mark.parametrize("sequence", ["ACGT" * 10, "ACGU" * 4096])
def test_a_bad_sequence_is_refused(ask, sequence):
    request = service.PredictSequenceRequest(sequence=sequence, requested_outputs=[pb.OUTPUT_TYPE_DNASE])
    refusal = ask("PredictSequence", request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details().startswith("sequence: ")


@pytest.mark.parametrize(("start", "end"), [(36_201_690, 36_201_720), (1, 5)], ids=["long", "outside"])
def test_a_bad_stretch_to_change_is_refused(ask, start, end):
    request = service.ScoreIsmVariantRequest(
        interval=INTERVAL.to_proto(),
        ism_interval=pb.Interval(chromosome="chr22", start=start, end=end),
        variant_scorers=[CENTER.to_proto()],
    )
    refusal = ask("ScoreIsmVariant", request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"ism_interval: chr22:{start}-{end}" in refusal.details()


def test_a_variant_outside_the_interval_of_a_mutagenesis_is_refused(ask):
    request = service.ScoreIsmVariantRequest(
        interval=INTERVAL.to_proto(),
        ism_interval=VARIANT.reference_interval.to_proto(),
        interval_variant=pb.Variant(chromosome="chr22", position=5, reference_bases="A", alternate_bases="C"),
        variant_scorers=[CENTER.to_proto()],
    )
    refusal = ask("ScoreIsmVariant", request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details().startswith("interval_variant: chr22:5 lies outside")


def test_a_message_that_is_no_question_is_refused(gateway):
    method = "/google.gdm.gdmscience.alphagenome.v1main.DnaModelService/PredictVariant"
    metadata = [("x-goog-api-key", gateway.token().secret)]
    with pytest.raises(grpc.RpcError) as refusal:
        list(gateway.channel().stream_stream(method)(iter([b"\xff\xff\xff"]), metadata=metadata))

    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "PredictVariantRequest" in refusal.value.details()


def test_the_client_hears_of_a_bad_question_at_once_and_in_words(client):
    with pytest.raises(Refused) as refusal:
        client.predict_interval(INTERVAL, requested_outputs=[DNASE], ontology_terms=["UBERON:9999999"])

    assert refusal.value.status == "INVALID_ARGUMENT"
    assert "UBERON:9999999" in refusal.value.words


def test_no_token_is_ever_written_to_the_log(gateway):
    new = gateway.token()
    refusal_of(gateway.client("a wrong token"))
    gateway.client(new.secret).output_metadata()

    assert "PredictInterval of a stranger refused: UNAUTHENTICATED" in gateway.log
    assert "a wrong token" not in gateway.log
    assert new.secret not in gateway.log
