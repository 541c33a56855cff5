"""The offline model's calls: a request in, the messages of its answer out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from workspace_api.alphagenome.offline import requests as checks
from workspace_api.alphagenome.offline.alleles import (
    Edit,
    Window,
    bases_of,
    replaced,
    sequence_features,
    window_features,
)
from workspace_api.alphagenome.offline.catalogue import COUNTS, Track, resolution, select, tracks
from workspace_api.alphagenome.offline.encoding import CHUNK_BYTES, streamed, tensor
from workspace_api.alphagenome.offline.genes import genes_in
from workspace_api.alphagenome.offline.scene import Scene
from workspace_api.alphagenome.offline.scorers import Alleles, Scores, score_interval, score_variant
from workspace_api.alphagenome.offline.sequence import encode
from workspace_api.alphagenome.offline.signal import block_count, junctions, track_blocks, values_shape

Message = Any
ISM_BASES = "ACGT"


class OfflineModel:
    """Answers from the request alone; the same request has the same answer, everywhere and always."""

    def __init__(self, max_response_bytes: int) -> None:
        self._limit = max_response_bytes

    def answer(self, method: str, request: bytes) -> Iterator[Message]:
        """Yield the messages that answer a serialised request; raises CallRefused."""
        kind, handle = self._methods()[method]
        return handle(checks.read_message(kind, request))

    def _methods(self) -> Mapping[str, tuple[Any, Callable[[Any], Iterator[Message]]]]:
        return {
            "GetMetadata": (service.MetadataRequest, self.get_metadata),
            "PredictSequence": (service.PredictSequenceRequest, self.predict_sequence),
            "PredictInterval": (service.PredictIntervalRequest, self.predict_interval),
            "PredictVariant": (service.PredictVariantRequest, self.predict_variant),
            "ScoreInterval": (service.ScoreIntervalRequest, self.score_interval),
            "ScoreVariant": (service.ScoreVariantRequest, self.score_variant),
            "ScoreIsmVariant": (service.ScoreIsmVariantRequest, self.score_ism_variant),
        }

    def get_metadata(self, request: Any) -> Iterator[Message]:
        """Yield the tracks of every output type."""
        organism = checks.organism_of(request.organism)
        for output in COUNTS:
            found = tracks(output, organism)
            message = pb.OutputMetadata(output_type=output)
            if output == pb.OUTPUT_TYPE_SPLICE_JUNCTIONS:
                message.junctions.metadata.extend(track.junction_proto() for track in found)
            else:
                message.tracks.metadata.extend(track.proto() for track in found)
            yield service.MetadataResponse(output_metadata=[message])

    def predict_sequence(self, request: Any) -> Iterator[Message]:
        """Yield the tracks of a sequence; it has no place on a genome, and so no genes."""
        organism = checks.organism_of(request.organism)
        checks.check_sequence(request.sequence)
        codes = encode(request.sequence)
        scene = Scene(0, sequence_features(codes), ())
        yield from self._outputs(scene, None, organism, request, service.PredictSequenceResponse, "output", 1)

    def predict_interval(self, request: Any) -> Iterator[Message]:
        """Yield the tracks of an interval."""
        organism = checks.organism_of(request.organism)
        window = checks.window_of(request.interval, organism)
        yield from self._outputs(
            scene_of(window),
            request.interval,
            organism,
            request,
            service.PredictIntervalResponse,
            "output",
            1,
        )

    def predict_variant(self, request: Any) -> Iterator[Message]:
        """Yield the tracks of an interval with either allele of a variant."""
        organism = checks.organism_of(request.organism)
        window = checks.window_of(request.interval, organism)
        edit = checks.edit_of(request.variant, window)
        alleles = Alleles.of(window, edit, scene_of(window))
        for scene, field in ((alleles.ref, "reference_output"), (alleles.alt, "alternate_output")):
            yield from self._outputs(
                scene, request.interval, organism, request, service.PredictVariantResponse, field, 2
            )

    def score_interval(self, request: Any) -> Iterator[Message]:
        """Yield the scores of an interval, one answer for each scorer, in their order."""
        organism = checks.organism_of(request.organism)
        window = checks.window_of(request.interval, organism)
        checks.check_interval_scorers(request.interval_scorers, window.width)
        scene = scene_of(window)
        for scorer in request.interval_scorers:
            scores = score_interval(
                scene, scorer.gene_mask, organism, merge=request.merge_stranded_gene_tracks
            )
            values, chunks = tensor(scores.values[None])
            data = pb.IntervalData(values=values, metadata=_described(pb.IntervalMetadata(), scores))
            data.metadata.interval.CopyFrom(request.interval)
            yield service.ScoreIntervalResponse(output=pb.ScoreIntervalOutput(interval_data=data))
            yield from (service.ScoreIntervalResponse(tensor_chunk=chunk) for chunk in chunks)

    def score_variant(self, request: Any) -> Iterator[Message]:
        """Yield the scores of a variant, one answer for each scorer, in their order."""
        organism = checks.organism_of(request.organism)
        window = checks.window_of(request.interval, organism)
        checks.check_scorers(request.variant_scorers)
        alleles = Alleles.of(window, checks.edit_of(request.variant, window), scene_of(window))
        for scorer in request.variant_scorers:
            scores = score_variant(alleles, scorer, merge=request.merge_stranded_gene_tracks)
            yield from _variant_scores(scores, request.variant, service.ScoreVariantResponse)

    def score_ism_variant(self, request: Any) -> Iterator[Message]:
        """Yield the scores of every single-base change in a stretch, variant by variant, scorer by scorer.

        Where the request names an `interval_variant`, the sequence that is changed has it already.
        """
        organism = checks.organism_of(request.organism)
        window = checks.window_of(request.interval, organism)
        checks.check_scorers(request.variant_scorers)
        stretch = checks.stretch_of(request, window)
        plain, held = scene_of(window), None
        if request.HasField("interval_variant"):
            held = checks.edit_of(request.interval_variant, window, "interval_variant")
            plain = replace(plain, features=replaced(plain.features, window, held, held.alternate))
        for variant in changes_of(stretch, held):
            edit = checks.edit_of(variant, window)
            alleles = Alleles.beside(window, edit, plain, held) if held else Alleles.of(window, edit, plain)
            for scorer in request.variant_scorers:
                scores = score_variant(alleles, scorer, merge=request.merge_stranded_gene_tracks)
                yield from _variant_scores(scores, variant, service.ScoreIsmVariantResponse)

    def _outputs(  # what is asked, where, and how an answer to this kind of call is wrapped
        self,
        scene: Scene,
        interval: pb.Interval | None,
        organism: int,
        request: Any,
        response: Any,
        field: str,
        alleles: int,
    ) -> Iterator[Message]:
        outputs, terms = checks.outputs_of(request.requested_outputs), checks.terms_of(request.ontology_terms)
        checks.check_terms(terms, organism)
        checks.check_size(len(scene.features), outputs, organism, terms, alleles, self._limit)
        for output in outputs:
            found = select(output, organism, terms)
            message = pb.Output(output_type=output)
            if output == pb.OUTPUT_TYPE_SPLICE_JUNCTIONS:
                places, numbers = junctions(scene, found)
                message.junction_data.metadata.extend(track.junction_proto() for track in found)
                message.junction_data.junctions.extend(_junction(interval, *place[:3]) for place in places)
                target = message.junction_data
                values, chunks = tensor(numbers)
            else:
                message.track_data.metadata.extend(track.proto() for track in found)
                message.track_data.resolution = resolution(output)
                target = message.track_data
                values, chunks = _tracks(scene, output, found)
            target.values.CopyFrom(values)
            if interval is not None:
                target.interval.CopyFrom(interval)
            yield response(**{field: message})
            yield from (response(tensor_chunk=chunk) for chunk in chunks)


def _tracks(scene: Scene, output: int, found: Sequence[Track]) -> tuple[Message, Iterator[Message]]:
    """Return the tensor of tracks, whose chunks are computed one by one as they are sent."""
    shape = values_shape(len(scene.features), output, len(found))
    count = block_count(shape, output, CHUNK_BYTES)
    return streamed(shape, count, track_blocks(scene, output, found, CHUNK_BYTES))


def scene_of(window: Window) -> Scene:
    """Return what is known of a window with the genome's own bases."""
    genes = genes_in(window.organism, window.chromosome, window.start, window.end)
    return Scene(window.start, window_features(window), genes)


def _junction(interval: pb.Interval | None, start: int, end: int, forward: bool) -> pb.Interval:
    strand = pb.STRAND_POSITIVE if forward else pb.STRAND_NEGATIVE
    chromosome = interval.chromosome if interval is not None else ""
    return pb.Interval(chromosome=chromosome, start=start, end=end, strand=strand)


def _described(metadata: Any, scores: Scores) -> Any:
    metadata.track_metadata.extend(track.proto() for track in scores.tracks)
    metadata.gene_metadata.extend(row.proto() for row in scores.rows if row.gene is not None)
    return metadata


def _variant_scores(scores: Scores, variant: pb.Variant, response: Any) -> Iterator[Message]:
    values, chunks = tensor(scores.planes())
    data = pb.VariantData(values=values, metadata=_described(pb.VariantMetadata(variant=variant), scores))
    yield response(output=pb.ScoreVariantOutput(variant_data=data))
    yield from (response(tensor_chunk=chunk) for chunk in chunks)


def changes_of(stretch: Window, held: Edit | None = None) -> Iterator[pb.Variant]:
    """Yield every single-base change of a stretch that has the variant `held`, from left to right."""
    for at, base in bases_of(stretch, held):
        for other in ISM_BASES.replace(base, ""):
            yield pb.Variant(
                chromosome=stretch.chromosome,
                position=at + 1,
                reference_bases=base,
                alternate_bases=other,
            )
