"""What may stand behind the gateway, and the calls that it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import grpc

SERVICE = "google.gdm.gdmscience.alphagenome.v1main.DnaModelService"
ATLAS = "google.gdm.gdmscience.alphagenome.atlas.v1main.AtlasService"
FIELD_MASK = "x-goog-fieldmask"


class Shape(Enum):
    """How many messages a call sends and is answered with; one, or a stream of them."""

    STREAM_STREAM = "stream_stream"
    UNARY_STREAM = "unary_stream"
    UNARY_UNARY = "unary_unary"


@dataclass(frozen=True)
class Method:
    """One call of the protocol; what it answers changes from day to day where `daily`, else never."""

    service: str
    name: str
    shape: Shape
    daily: bool = False

    @property
    def path(self) -> str:
        """Its address in gRPC."""
        return f"/{self.service}/{self.name}"


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        *(
            Method(SERVICE, name, Shape.STREAM_STREAM)
            for name in (
                "PredictSequence",
                "PredictInterval",
                "PredictVariant",
                "ScoreInterval",
                "ScoreVariant",
                "ScoreIsmVariant",
            )
        ),
        Method(SERVICE, "GetMetadata", Shape.UNARY_STREAM, daily=True),
        *(
            Method(ATLAS, name, Shape.UNARY_UNARY)
            for name in ("ListDenseVariantScores", "GetDenseVariantScores")
        ),
        Method(ATLAS, "ListVariantScoresMetadata", Shape.UNARY_UNARY, daily=True),
    )
}


@dataclass(frozen=True)
class Question:
    """A call as it came in: its one message, serialised, and the fields that the atlas is to leave out."""

    method: Method
    body: bytes
    field_mask: str = ""


@dataclass
class Errand:
    """A question on its way to the model.

    `key` is the caller's own, where it is not the workspace's that is to be used; `seconds` are left until
    the caller gives up. `calls` says how often the service was asked for it.
    """

    question: Question
    key: str | None = None
    seconds: float | None = None
    calls: int = 0


class CallRefused(Exception):  # noqa: N818 - a refusal, told to the caller
    """A call that is refused: a gRPC status, and words for whoever made it.

    `personal` says that it is about the caller, such as a quota: another may ask the same and be answered.
    """

    def __init__(self, status: grpc.StatusCode, message: str, *, personal: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.personal = personal


class Backend(Protocol):
    """Answers a call of the AlphaGenome services with messages, all of them serialised.

    `name` is told to callers; `identity` is all that decides what a question is answered with, so that an
    answer that was kept is only ever given for the model that gave it.
    """

    name: str
    identity: str

    def answer(self, errand: Errand) -> AsyncGenerator[bytes, None]:
        """Yield the answer; raises CallRefused."""

    async def close(self) -> None:
        """Release what it holds."""
