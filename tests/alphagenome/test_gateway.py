"""The gateway as people meet it: with the unmodified clients, over TLS, several processes at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from alphagenome.atlas import atlas
from alphagenome.protos import atlas_service_pb2_grpc as atlas_rpc
from alphagenome.protos.v1 import dna_model_service_pb2_grpc as rpc
from pydantic import SecretStr

from auth.identity import Identity, Level
from tests.alphagenome.conftest import ADMIN, COLON, LIVER, VARIANT
from tests.alphagenome.service import KEY, Service
from tests.alphagenome.test_refusals import question
from tests.conftest import CHECKOUT, wait_for
from workspace_api.alphagenome.quotas import Kind, Measure, Window
from workspace_api.egress import mirror_variables
from workspace_api.settings import Settings

ADA = Identity(user="ada", level=Level.DEVELOPER)
STARTED = """
import labfork_client_defaults
from google.colab import userdata
from alphagenome.atlas import atlas
from alphagenome.data import genome
from alphagenome.models import dna_client

model = dna_client.create(userdata.get("ALPHA_GENOME_API_KEY"))
also = dna_client.create("AIza-somebody-wrote-this-into-a-notebook")
interval = genome.Interval("chr22", 36_193_506, 36_209_890)
for each in (model, also):
    out = each.predict_interval(
        interval, requested_outputs=[dna_client.OutputType.DNASE], ontology_terms=["UBERON:0002107"]
    )
    print(out.dnase.values.shape, out.dnase.metadata["name"][0])
print(sorted(atlas.create("a key").scorer_metadata())[:2])
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def real(make_gateway, service):
    """A gateway before the service, in a workspace where nobody has agreed to anything."""
    return make_gateway(agreed=False, **before(service))


def before(service: Service) -> dict[str, str]:
    return {
        "LABFORK_ALPHAGENOME_API_KEY": KEY,
        "LABFORK_ALPHAGENOME__UPSTREAM": service.address,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(service.roots),
    }


def ask(gateway, token: str | None = None, **changes):
    """Ask about a variant; return the messages, and what was told after them."""
    metadata = [("x-goog-api-key", token or gateway.token().secret)]
    call = rpc.DnaModelServiceStub(gateway.channel()).PredictVariant(
        iter([question(**changes)]), metadata=metadata
    )
    return list(call), dict(call.trailing_metadata())


def refusal_of(gateway, **changes) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refusal:
        ask(gateway, **changes)
    return refusal.value


def test_before_the_real_service_somebody_agrees_an_administrator_confirms_then_it_answers(real, service):
    first = refusal_of(real)
    assert first.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "accept them first" in first.details()
    real.workspace.alphagenome.accept_terms(ADA)
    assert "No administrator has confirmed" in refusal_of(real).details()
    assert service.calls == []
    real.workspace.alphagenome.confirm_sharing(ADMIN, "")

    assert len(ask(real)[0]) > 1
    assert len(service.calls) == 1


def test_a_key_that_is_shared_with_one_group_is_not_for_another_groups_token(make_gateway, service):
    gateway = make_gateway(agreed=False, **before(service))
    for user, group in (("ada", "genetics"), ("ben", "imaging")):
        gateway.workspace.groups.add(group, admin=user)
        gateway.workspace.alphagenome.accept_terms(Identity(user=user, level=Level.DEVELOPER))
    gateway.workspace.alphagenome.confirm_sharing(ADMIN, "genetics")
    refused = refusal_of(gateway, token=gateway.token(user="ben").secret)

    assert len(ask(gateway)[0]) > 1
    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "No administrator has confirmed" in refused.details()


def test_who_keeps_a_key_of_their_own_asks_with_it_and_has_their_answers_alone(real, service):
    service.keys = {KEY, "a-key-of-adas-own-0123"}
    real.workspace.alphagenome.accept_terms(ADA)
    real.workspace.alphagenome.confirm_sharing(ADMIN, "")
    ask(real)
    service.calls.clear()
    real.workspace.alphagenome.keep_key(ADA, "a-key-of-adas-own-0123")
    ask(real)
    real.workspace.alphagenome.forget_key(ADA)

    assert [call[1]["x-goog-api-key"] for call in service.calls] == ["a-key-of-adas-own-0123"]
    assert "a-key-of-adas-own-0123" not in real.log


def test_after_an_answer_is_told_where_it_came_from_and_what_is_left(gateway):
    terms = {"ontology_terms": []}
    _, told = ask(gateway, **terms)
    assert told["x-labfork-answered"] == "model"
    gateway.workspace.alphagenome.set_quota(ADMIN, Kind.PERSON, "ada", Measure.CALLS, Window.DAY, 1_000_000)
    try:
        _, told = ask(gateway, **terms, model_version="FOLD_3")
        assert told["x-labfork-remaining"].startswith("person calls/day=")
    finally:
        gateway.workspace.alphagenome.remove_quota(ADMIN, Kind.PERSON, "ada", Measure.CALLS, Window.DAY)
    assert ask(gateway, **terms)[1]["x-labfork-answered"] == "cache"


def test_over_a_quota_the_client_hears_of_it_at_once(gateway):
    client = gateway.client(gateway.token(user="ben").secret)
    gateway.workspace.alphagenome.set_quota(ADMIN, Kind.PERSON, "ben", Measure.CALLS, Window.DAY, 0)
    try:
        with pytest.raises(Exception, match="needs 1 calls, more than a whole day's quota") as refusal:
            client.score_variant(VARIANT.reference_interval.resize(16_384), VARIANT)
    finally:
        gateway.workspace.alphagenome.remove_quota(ADMIN, Kind.PERSON, "ben", Measure.CALLS, Window.DAY)

    assert refusal.value.status == "PERMISSION_DENIED"


def test_two_gateways_share_what_is_kept_and_what_is_under_way(make_gateway, service):
    service.keys = {KEY}
    one = make_gateway(**before(service))
    other = make_gateway(one.home, **before(service))
    ask(one)
    service.calls.clear()
    assert ask(other)[1]["x-labfork-answered"] == "cache"

    service.stall = threading.Event()
    fold = {"model_version": "FOLD_2"}
    try:
        with ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(ask, gateway, **fold) for gateway in (one, other)]
            wait_for(lambda: service.calls, what="the call's arrival")
            service.stall.set()
            first, second = (answer.result(60)[0] for answer in answers)
    finally:
        service.stall = None

    assert first == second
    assert len(service.calls) == 1


@pytest.fixture(scope="module")
def atlas_client(gateway):
    stub = atlas_rpc.AtlasServiceStub(gateway.channel())
    return atlas.AtlasClient(stub, [("x-goog-api-key", gateway.token().secret)])


def test_the_atlas_gives_a_variants_scores_by_scorer_with_tracks_and_genes(atlas_client):
    found = atlas_client.query_variant(VARIANT, requested_scorers=["DNASE", "RNA_SEQ"])

    assert set(found) == {"DNASE", "RNA_SEQ"}
    assert found["DNASE"].X.shape == (1, 305)
    assert "APOL4" in set(found["RNA_SEQ"].obs["gene_name"])
    assert found["DNASE"].var["name"].str.contains("synthetic").all()
    assert found["DNASE"].layers["quantiles"].shape == (1, 305)


def test_the_atlas_gives_the_tissues_that_are_asked_for(atlas_client):
    found = atlas_client.query_variants(
        [VARIANT], requested_scorers=["DNASE"], ontology_terms=[LIVER, COLON], progress_bar=False
    )

    assert set(found["DNASE"].var["ontology_curie"]) == {LIVER, COLON}


def test_the_atlas_gives_every_change_in_an_interval_page_by_page(atlas_client):
    interval = VARIANT.reference_interval.resize(20)
    found = atlas_client.query_interval(
        interval, requested_scorers=["ATAC"], ontology_terms=[LIVER], progress_bar=False
    )

    assert found["ATAC"].shape == (60, 1)
    assert len({str(variant) for variant in found["ATAC"].obs["variant"]}) == 60


def test_the_atlas_and_the_offline_model_give_one_score(atlas_client, client):
    from alphagenome.models import variant_scorers

    scorer = variant_scorers.RECOMMENDED_VARIANT_SCORERS["DNASE"]
    (score,) = client.score_variant(VARIANT.reference_interval.resize(16_384), VARIANT, [scorer])

    found = atlas_client.query_variant(VARIANT, requested_scorers=["DNASE"])
    assert abs(found["DNASE"].X - score.X).max() < 1e-5


def test_the_atlas_refuses_an_unknown_scorer_in_words(atlas_client):
    with pytest.raises(ValueError, match="there is no scorer 'AVI'"):
        atlas_client.query_variant(VARIANT, requested_scorers=["AVI"])


def test_notebooks_that_were_written_for_googles_service_run_as_they_are(gateway, tmp_path):
    mirrored = Settings(home=gateway.home, public_url="", database_url="", secret_key=SecretStr("s"))
    defaults = CHECKOUT / "hub" / "environments" / "client_defaults.py"
    shutil.copy(defaults, tmp_path / "labfork_client_defaults.py")  # as it is in every environment
    token = gateway.token().secret
    ended = subprocess.run(
        [sys.executable, "-c", STARTED],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "ALPHAGENOME_ADDRESS": gateway.address,
            "ALPHAGENOME_API_KEY": token,
            "ALPHA_GENOME_API_KEY": token,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(gateway.roots),
            **mirror_variables(mirrored, "mirror"),  # its proxy is not there, and not asked
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    first, second, scorers = ended.stdout.splitlines()[-3:]
    assert first == second == "(16384, 1) UBERON:0002107 DNase-seq [synthetic]"
    assert scorers == "['ATAC', 'ATAC_ACTIVE']"
