"""Where the gateway listens, whom its certificates convince, and what it survives."""

from __future__ import annotations

import socket
import subprocess
import sys

import grpc
import psutil
import pytest
from alphagenome.models import dna_client, variant_scorers
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service
from alphagenome.protos.v1 import dna_model_service_pb2_grpc as rpc
from cryptography import x509

from tests.alphagenome.asking import Client
from tests.alphagenome.conftest import INTERVAL, LIVER, VARIANT
from tests.alphagenome.test_refusals import question
from workspace_api.alphagenome.certificates import ensure_certificates
from workspace_api.alphagenome.settings import SOCKET_FILE, gateway_folder, public_folder

DYING = """
import os, sys, grpc
from alphagenome.protos.v1 import dna_model_service_pb2 as service, dna_model_service_pb2_grpc as rpc
with open(sys.argv[2], "rb") as roots:
    channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(roots.read()))
request = service.PredictVariantRequest.FromString(sys.stdin.buffer.read())
stub, token = rpc.DnaModelServiceStub(channel), [("x-goog-api-key", sys.argv[3])]
for call in [stub.PredictVariant(iter([request]), metadata=token) for _ in range(6)]:
    next(call)
os._exit(7)
"""
DNASE = dna_client.OutputType.DNASE


def predict(client):
    return client.predict_interval(INTERVAL, requested_outputs=[DNASE], ontology_terms=[LIVER])


def names_in(chain: bytes) -> set[str]:
    """The names and addresses that a server's certificate is for."""
    certificate = x509.load_pem_x509_certificate(chain)
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in known}


def test_a_sandbox_reaches_the_gateway_by_its_unix_socket(gateway, client):
    answer = predict(gateway.socket_client())

    assert (answer.dnase.values == predict(client).dnase.values).all()


def test_the_unix_socket_asks_for_a_token_as_the_port_does(gateway):
    channel = gateway.channel(f"unix:{public_folder(gateway.home) / SOCKET_FILE}")
    with pytest.raises(grpc.RpcError) as refusal:
        list(rpc.DnaModelServiceStub(channel).PredictVariant(iter([question()])))

    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_everybody_may_open_the_unix_socket_and_nobody_else_reads_the_keys(gateway):
    public, keys = public_folder(gateway.home), gateway_folder(gateway.home)

    assert (public / SOCKET_FILE).stat().st_mode & 0o777 == 0o666
    assert {path.stat().st_mode & 0o777 for path in keys.glob("*-key.pem")} == {0o600}
    assert list(public.glob("*key*")) == []


def test_without_tls_there_is_no_answer(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.settimeout(30)
        try:
            answer = connection.recv(1000)
        except ConnectionError:
            answer = b""

    assert not answer.startswith(b"\x00\x00")  # no frame of HTTP/2 in clear


def test_a_client_that_does_not_trust_the_workspace_gets_no_connection(gateway, make_gateway):
    other = make_gateway()
    credentials = grpc.ssl_channel_credentials(other.roots.read_bytes())
    channel = grpc.secure_channel(gateway.address, credentials)
    with pytest.raises(grpc.RpcError) as refusal:
        list(rpc.DnaModelServiceStub(channel).PredictVariant(iter([question()])))

    assert "CERTIFICATE_VERIFY_FAILED" in refusal.value.details()


def test_a_call_that_is_given_up_leaves_the_gateway_answering(gateway, client):
    metadata = [("x-goog-api-key", gateway.token().secret)]
    scorers = [one.to_proto() for one in variant_scorers.RECOMMENDED_VARIANT_SCORERS.values()]
    long = service.ScoreIsmVariantRequest(
        interval=VARIANT.reference_interval.resize(1_048_576).to_proto(),
        ism_interval=VARIANT.reference_interval.resize(10).to_proto(),
        organism=pb.ORGANISM_HOMO_SAPIENS,
        variant_scorers=scorers,
    )
    for _ in range(20):  # more than one caller's turns
        call = gateway.stub().ScoreIsmVariant(iter([long]), metadata=metadata)
        next(call)
        call.cancel()

    assert predict(client).dnase.values.any()
    assert "failed" not in gateway.log


def test_a_caller_that_dies_in_the_middle_of_an_answer_leaves_the_gateway_answering(gateway, client):
    large = question(interval=VARIANT.reference_interval.resize(1_048_576).to_proto()).SerializeToString()
    for _ in range(3):
        command = [sys.executable, "-c", DYING, gateway.address, gateway.roots, gateway.token().secret]
        assert subprocess.run(command, input=large, check=False).returncode == 7

    assert predict(client).dnase.values.any()
    assert "failed" not in gateway.log


def test_a_caller_who_reads_nothing_neither_keeps_others_waiting_nor_fills_the_memory(make_gateway):
    other = make_gateway()
    metadata = [("x-goog-api-key", other.token().secret)]
    large = question(interval=VARIANT.reference_interval.resize(1_048_576).to_proto())
    stub = other.stub()
    unread = [stub.PredictVariant(iter([large]), metadata=metadata) for _ in range(40)]

    assert predict(other.client(other.token(user="ben").secret)).dnase.values.any()
    assert psutil.Process(other.process.pid).memory_info().rss < 1_000_000_000
    for call in unread:
        call.cancel()


def test_a_client_may_trust_several_workspaces_at_once(gateway, make_gateway, tmp_path):
    other = make_gateway()
    bundle = tmp_path / "roots.pem"
    bundle.write_bytes(other.roots.read_bytes() + gateway.roots.read_bytes())
    client = Client(gateway.address, gateway.token().secret, bundle)

    assert predict(client).dnase.values.any()
    client.close()


def test_certificates_stay_over_a_restart(make_gateway):
    first = make_gateway()
    authority = first.roots.read_bytes()
    first.stop()
    second = make_gateway(first.home)

    assert second.roots.read_bytes() == authority
    assert predict(second.client()).dnase.values.any()


def test_a_new_authority_makes_new_certificates(make_gateway):
    gateway = make_gateway()
    gateway.stop()
    (gateway_folder(gateway.home) / "ca-key.pem").unlink()

    assert predict(make_gateway(gateway.home).client()).dnase.values.any()


def test_a_lost_server_key_is_made_anew(tmp_path):
    first = ensure_certificates(tmp_path / "keys", tmp_path)
    (tmp_path / "keys" / "server-key.pem").unlink()
    second = ensure_certificates(tmp_path / "keys", tmp_path)

    assert second.key != first.key


def test_the_certificate_is_for_the_names_and_addresses_that_the_gateway_listens_on(tmp_path):
    plain = ensure_certificates(tmp_path / "keys", tmp_path)
    named = ensure_certificates(tmp_path / "keys", tmp_path, ("gateway.example.org", "192.0.2.7"))

    assert names_in(plain.chain) == {"localhost", "127.0.0.1", "::1"}
    assert names_in(named.chain) == names_in(plain.chain) | {"gateway.example.org", "192.0.2.7"}
    assert ensure_certificates(tmp_path / "keys", tmp_path, ("192.0.2.7",)) == named
