"""A model whose answers are known, served as AlphaGenome is: gRPC over TLS, for the unmodified client.

The alternate allele doubles open chromatin within 128 bp of the variant and changes nothing else. Scores are
1 for open chromatin, 0.25 for the expression of APOL1, -0.5 for that of APOL4, and 0 otherwise.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
from alphagenome import tensor_utils
from alphagenome.data import genome, track_data
from alphagenome.models.v1 import track_data_utils
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service
from alphagenome.protos.v1 import dna_model_service_pb2_grpc as rpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY = "a personal token"
TISSUES = {"UBERON:0001157": "transverse colon", "UBERON:0002107": "liver"}
GENES = {"APOL1": 0.25, "APOL4": -0.5}
SCORE_OF_DNASE = 1.0
CHUNK_BYTES = 1_000_000


class KnownModel(rpc.DnaModelServiceServicer):  # type: ignore[misc]
    """Answers the calls of the notebooks, and keeps which variants it scored.

    Variants in ``refusals`` are refused so; with ``remaining`` each answer says how much of a quota is left.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self.calls: list[str] = []
        self.scored: list[str] = []
        self.refusals: dict[str, tuple[grpc.StatusCode, str]] = {}
        self.remaining: int | None = None

    def _seen(self, name: str, context: grpc.ServicerContext) -> None:
        self.calls.append(name)
        if ("x-goog-api-key", KEY) not in [tuple(pair) for pair in context.invocation_metadata()]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is not known.")

    def PredictInterval(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer with flat tracks."""
        self._seen("PredictInterval", context)
        request = next(requests)
        interval = genome.Interval.from_proto(request.interval)
        for output in request.requested_outputs:
            yield from answer(
                self.tracks(output, interval, 1.0), output, service.PredictIntervalResponse, "output"
            )

    def PredictVariant(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer with flat tracks, and for the alternate allele with a step around the variant."""
        self._seen("PredictVariant", context)
        request = next(requests)
        interval = genome.Interval.from_proto(request.interval)
        for output in request.requested_outputs:
            for allele, factor in (("reference_output", 1.0), ("alternate_output", 2.0)):
                around = factor if output == pb.OUTPUT_TYPE_DNASE else 1.0
                yield from answer(
                    self.tracks(output, interval, around), output, service.PredictVariantResponse, allele
                )

    def ScoreVariant(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer with the known scores, and their quantiles at half their size."""
        self._seen("ScoreVariant", context)
        request = next(requests)
        variant = str(genome.Variant.from_proto(request.variant))
        self.scored.append(variant)
        if self.remaining is not None:
            left = f"person calls/day={self.remaining} of 10000"
            context.set_trailing_metadata((("x-labfork-remaining", left), ("x-labfork-answered", "model")))
        if variant in self.refusals:
            context.abort(*self.refusals[variant])
        for scorer in request.variant_scorers:
            kind = scorer.WhichOneof("scorer")
            inner = getattr(scorer, kind)
            genes, rows = gene_rows() if kind.startswith("gene") else ([], [[0.0]])
            if not genes and inner.requested_output == pb.OUTPUT_TYPE_DNASE:
                rows = [[SCORE_OF_DNASE]]
            metadata = self.metadata(inner.requested_output, merged=bool(genes))
            values = np.repeat(np.array(rows, np.float32), len(metadata), axis=1)
            tensor, _ = tensor_utils.pack_tensor(np.stack([values, values / 2]))
            described = pb.VariantMetadata(
                variant=request.variant,
                track_metadata=track_data_utils.metadata_to_proto(metadata).metadata,
                gene_metadata=genes,
            )
            data = pb.VariantData(values=tensor, metadata=described)
            yield service.ScoreVariantResponse(output=pb.ScoreVariantOutput(variant_data=data))

    def ScoreInterval(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer with an expression of 2 for the first gene and 1 for the second."""
        self._seen("ScoreInterval", context)
        request = next(requests)
        metadata = self.metadata(pb.OUTPUT_TYPE_RNA_SEQ, merged=True)
        values = np.repeat(np.array([[2.0], [1.0]], np.float32), len(metadata), axis=1)
        tensor, _ = tensor_utils.pack_tensor(values[None])
        described = pb.IntervalMetadata(
            interval=request.interval,
            track_metadata=track_data_utils.metadata_to_proto(metadata).metadata,
            gene_metadata=gene_rows()[0],
        )
        data = pb.IntervalData(values=tensor, metadata=described)
        yield service.ScoreIntervalResponse(output=pb.ScoreIntervalOutput(interval_data=data))

    def GetMetadata(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer with the tracks of open chromatin."""
        self._seen("GetMetadata", context)
        tracks = track_data_utils.metadata_to_proto(self.metadata(pb.OUTPUT_TYPE_DNASE))
        described = pb.OutputMetadata(output_type=pb.OUTPUT_TYPE_DNASE, tracks=tracks)
        yield service.MetadataResponse(output_metadata=[described])

    def metadata(self, output: int, merged: bool = False) -> pd.DataFrame:
        """Return one track for each tissue; one for each strand of RNA-seq, unless ``merged``."""
        stranded = output == pb.OUTPUT_TYPE_RNA_SEQ and not merged
        rows = [
            {
                "name": f"{term} {pb.OutputType.Name(output)}",
                "strand": strand,
                "ontology_curie": term,
                "biosample_name": tissue,
                "biosample_type": "tissue",
                "data_source": self._mark,
            }
            for term, tissue in TISSUES.items()
            for strand in ("+-" if stranded else ".")
        ]
        return pd.DataFrame(rows)

    def tracks(self, output: int, interval: genome.Interval, around: float) -> track_data.TrackData:
        """Return tracks of 1, with ``around`` in the middle 256 bp."""
        metadata = self.metadata(output)
        values = np.ones((interval.width, len(metadata)), np.float32)
        middle = interval.width // 2
        values[middle - 128 : middle + 128] = around
        return track_data.TrackData(values, metadata, interval=interval)


def gene_rows() -> tuple[list[Any], list[list[float]]]:
    """Return the genes and, for each, its score."""
    genes = [
        pb.GeneScorerMetadata(
            gene_id=f"ENSG{index}", name=name, type="protein_coding", strand=pb.STRAND_POSITIVE
        )
        for index, name in enumerate(GENES)
    ]
    return genes, [[score] for score in GENES.values()]


def answer(tracks: track_data.TrackData, output: int, response: Any, field: str) -> Iterator[Any]:
    """Yield the messages that carry ``tracks``."""
    data, chunks = track_data_utils.to_protos(tracks, bytes_per_chunk=CHUNK_BYTES)
    yield response(**{field: pb.Output(output_type=output, track_data=data)})
    yield from (response(tensor_chunk=chunk) for chunk in chunks)


def serve(model: KnownModel, roots: Path) -> tuple[grpc.Server, str]:
    """Start serving ``model`` on a free port of 127.0.0.1 and write its certificate to ``roots``."""
    key, certificate = self_signed()
    roots.write_bytes(certificate)
    server = grpc.server(ThreadPoolExecutor(4))
    rpc.add_DnaModelServiceServicer_to_server(model, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    return server, f"127.0.0.1:{port}"


def self_signed() -> tuple[bytes, bytes]:
    """Return a private key and a certificate for 127.0.0.1, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "known model")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
