"""Whether an answer is whole: every tensor that announces chunks is followed by all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphagenome.protos import atlas_service_pb2 as atlas
from alphagenome.protos.v1 import dna_model_service_pb2 as service

ANSWERS: Mapping[str, Any] = {
    "PredictSequence": service.PredictSequenceResponse,
    "PredictInterval": service.PredictIntervalResponse,
    "PredictVariant": service.PredictVariantResponse,
    "ScoreInterval": service.ScoreIntervalResponse,
    "ScoreVariant": service.ScoreVariantResponse,
    "ScoreIsmVariant": service.ScoreIsmVariantResponse,
    "GetMetadata": service.MetadataResponse,
    "ListDenseVariantScores": atlas.ListDenseVariantScoresResponse,
    "GetDenseVariantScores": atlas.DenseVariantScores,
    "ListVariantScoresMetadata": atlas.ListVariantScoresMetadataResponse,
}
HOLDERS = frozenset({"TrackData", "JunctionData", "VariantData", "IntervalData"})  # of a tensor `values`


class BrokenAnswerError(Exception):
    """An answer that is not whole, or no answer to this call."""


class Framing:
    """Follows the messages of one answer."""

    def __init__(self, method: str) -> None:
        self._kind = ANSWERS[method]
        self._method = method
        self._awaited = 0
        self.count = 0

    def take(self, message: bytes) -> None:
        """Follow one message; raises BrokenAnswerError for one that cannot come here."""
        parsed = self._kind()
        try:
            parsed.ParseFromString(message)
        except Exception as error:  # protobuf has no error of its own that all its versions share
            raise BrokenAnswerError(f"a message is no {self._kind.__name__}") from error
        self.count += 1
        if "payload" not in self._kind.DESCRIPTOR.oneofs_by_name:
            return
        payload = parsed.WhichOneof("payload")
        if (payload == "tensor_chunk") != (self._awaited > 0):
            raise BrokenAnswerError(f"{payload} came where {self._awaited} more chunks were awaited")
        self._awaited = self._awaited - 1 if payload == "tensor_chunk" else _chunks(getattr(parsed, payload))

    def end(self) -> None:
        """Hear that there are no more; raises BrokenAnswerError where more must come."""
        if self._awaited or not self.count:
            raise BrokenAnswerError(f"it ended after {self.count} messages, {self._awaited} chunks too early")


def _chunks(output: Any) -> int:
    """Return how many chunks an output announces: those of the one tensor in it, or in what it holds."""
    for _, value in output.ListFields():
        kind = getattr(getattr(value, "DESCRIPTOR", None), "name", "")
        if kind == "Tensor":
            return int(value.chunk_count)
        if kind in HOLDERS:
            return int(value.values.chunk_count)
    return 0
