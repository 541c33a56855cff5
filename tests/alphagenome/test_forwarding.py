"""With a key the gateway asks the real service: with the workspace's key, which it shows to nobody."""

from __future__ import annotations

import threading

import grpc
import numpy as np
import pytest
from alphagenome.models import dna_client, variant_scorers

from tests.alphagenome.asking import Refused
from tests.alphagenome.conftest import INTERVAL, LIVER, VARIANT
from tests.alphagenome.service import KEY, Service
from tests.alphagenome.test_refusals import question
from tests.conftest import wait_for

OUTPUTS = (dna_client.OutputType.DNASE, dna_client.OutputType.RNA_SEQ)
REFUSALS = {  # what the service answers, and what the caller is told
    "unknown key": (
        (grpc.StatusCode.INVALID_ARGUMENT, f"API key not valid: {KEY}"),
        ("FAILED_PRECONDITION", "Ask an administrator"),
    ),
    "key without the right": (
        (grpc.StatusCode.PERMISSION_DENIED, f"{KEY} is not allowed"),
        ("FAILED_PRECONDITION", "Ask an administrator"),
    ),
    "key that ended": (
        (grpc.StatusCode.UNAUTHENTICATED, f"{KEY} has ended"),
        ("FAILED_PRECONDITION", "Ask an administrator"),
    ),
    "bad question": (
        (grpc.StatusCode.INVALID_ARGUMENT, f"Interval too short ({KEY})"),
        ("INVALID_ARGUMENT", "AlphaGenome: Interval too short (...)"),
    ),
    "fault": ((grpc.StatusCode.INTERNAL, f"Fault for {KEY}"), ("INTERNAL", "AlphaGenome: Fault for ...")),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def gateway(make_gateway, service):
    """A gateway with the shared key, as an administrator sets it; it keeps nothing, so that all is asked."""
    return make_gateway(
        LABFORK_ALPHAGENOME_API_KEY=KEY,
        LABFORK_ALPHAGENOME__CACHE_GIB="0",
        LABFORK_ALPHAGENOME__UPSTREAM=service.address,
        GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(service.roots),
    )


@pytest.fixture(scope="module")
def token(gateway):
    return gateway.token().secret


@pytest.fixture(scope="module")
def client(gateway, token):
    return gateway.client(token)


@pytest.fixture
def calls(service):
    """The calls that the service hears of during one test."""
    service.calls.clear()
    return service.calls


def predict(client):
    return client.predict_interval(INTERVAL, requested_outputs=OUTPUTS, ontology_terms=[LIVER])


def test_every_call_reaches_the_service_with_the_shared_key_and_without_the_callers_token(
    client, token, calls
):
    both = {"requested_outputs": OUTPUTS, "ontology_terms": [LIVER]}
    client.output_metadata()
    predict(client)
    client.predict_variant(INTERVAL, VARIANT, **both)
    client.predict_sequence("ACGT" * 4096, **both)
    client.score_variant(INTERVAL, VARIANT)
    client.score_interval(VARIANT.reference_interval.resize(524_288))
    client.score_ism_variants(
        INTERVAL,
        VARIANT.reference_interval,
        [variant_scorers.RECOMMENDED_VARIANT_SCORERS["ATAC"]],
        progress_bar=False,
    )

    assert [name for name, _, _ in calls] == [
        "GetMetadata",
        "PredictInterval",
        "PredictVariant",
        "PredictSequence",
        "ScoreVariant",
        "ScoreInterval",
        "ScoreIsmVariant",
    ]
    assert {metadata["x-goog-api-key"] for _, metadata, _ in calls} == {KEY}
    assert [name for name, *sent in calls if token in str(sent)] == []


def test_what_the_service_answers_arrives_as_it_is(client, make_gateway):
    here, there = predict(client), predict(make_gateway().client())

    assert np.array_equal(here.rna_seq.values, there.rna_seq.values)
    assert here.rna_seq.metadata.equals(there.rna_seq.metadata)


def test_the_answers_headers_name_the_service_and_its_trailer_is_kept_back(gateway, token):
    call = gateway.stub().PredictVariant(iter([question()]), metadata=[("x-goog-api-key", token)])

    assert dict(call.initial_metadata())["x-labfork-backend"] == "alphagenome"
    assert len(list(call)) > 1
    assert KEY not in str(call.trailing_metadata())


def test_a_caller_without_a_token_reaches_nothing(gateway, calls):
    with pytest.raises(Refused) as refusal:
        predict(gateway.client("a wrong token"))

    assert refusal.value.status == "UNAUTHENTICATED"
    assert calls == []


def test_the_shared_key_itself_is_no_token(gateway, calls):
    with pytest.raises(Refused) as refusal:
        predict(gateway.client(KEY))

    assert refusal.value.status == "UNAUTHENTICATED"
    assert calls == []


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_of_the_service_is_told_in_words_without_the_key(client, gateway, service, name):
    refusal, (status, words) = REFUSALS[name]
    service.refusals.append(refusal)
    with pytest.raises(Refused) as told:
        predict(client)

    assert told.value.status == status
    assert words in told.value.words
    assert KEY not in told.value.words + told.value.trailing + gateway.log


@pytest.mark.parametrize("status", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE])
def test_a_refusal_that_passes_is_tried_again(client, service, calls, status):
    service.refusals.append((status, "later"))

    assert predict(client).dnase.values.any()
    assert len(calls) == 2


def test_an_administrator_reads_in_the_log_why_the_key_is_refused(client, gateway, service):
    service.refusals.append((grpc.StatusCode.PERMISSION_DENIED, "the project is suspended"))
    with pytest.raises(Refused):
        predict(client)

    assert "does not accept the workspace's key: PERMISSION_DENIED, the project is suspended" in gateway.log


def test_a_key_with_blanks_around_it_is_the_key_itself(make_gateway, service):
    gateway = make_gateway(
        LABFORK_ALPHAGENOME_API_KEY=f" {KEY}\n",
        LABFORK_ALPHAGENOME__UPSTREAM=service.address,
        GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(service.roots),
    )

    assert predict(gateway.client()).dnase.values.any()


@pytest.mark.parametrize("key", ["kéy", "two\nlines", " "], ids=["letters", "lines", "blank"])
def test_a_key_that_cannot_be_one_is_refused_without_being_told(make_gateway, service, calls, key):
    gateway = make_gateway(LABFORK_ALPHAGENOME_API_KEY=key, LABFORK_ALPHAGENOME__UPSTREAM=service.address)
    metadata = [("x-goog-api-key", gateway.token().secret)]
    with pytest.raises(grpc.RpcError) as told:
        list(gateway.stub().PredictVariant(iter([question()]), metadata=metadata))

    assert told.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert calls == []
    assert not key.strip() or key not in told.value.details() + gateway.log


def test_a_service_that_cannot_be_reached_is_said_to_be_away(make_gateway, service):
    gateway = make_gateway(LABFORK_ALPHAGENOME_API_KEY=KEY, LABFORK_ALPHAGENOME__UPSTREAM="localhost:1")
    metadata = [("x-goog-api-key", gateway.token().secret)]
    with pytest.raises(grpc.RpcError) as told:
        list(gateway.stub().PredictVariant(iter([question()]), metadata=metadata))

    assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "Try again in a minute" in told.value.details()
    assert KEY not in told.value.details() + gateway.log


def test_a_call_that_is_given_up_is_given_up_at_the_service_too(gateway, token, service, calls):
    service.stall = threading.Event()
    try:
        call = gateway.stub().PredictVariant(iter([question()]), metadata=[("x-goog-api-key", token)])
        wait_for(lambda: calls, what="the call's arrival")
        call.cancel()

        assert service.cancelled.wait(30)
    finally:
        service.stall.set()
        service.stall = None


def test_the_key_is_in_no_line_of_the_log_and_in_no_file_that_runs_see(gateway):
    seen = [path for path in (gateway.home / "gateway").iterdir() if path.is_file()]

    assert KEY not in gateway.log
    assert [path.name for path in seen if KEY.encode() in path.read_bytes()] == []
