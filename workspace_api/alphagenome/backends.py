"""What may stand behind the gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import grpc

SERVICE = "google.gdm.gdmscience.alphagenome.v1main.DnaModelService"
STREAMING = (
    "PredictSequence",
    "PredictInterval",
    "PredictVariant",
    "ScoreInterval",
    "ScoreVariant",
    "ScoreIsmVariant",
)
UNARY = ("GetMetadata",)


class CallRefused(Exception):  # noqa: N818 - a refusal, told to the caller
    """A call that is refused: a gRPC status, and words for whoever made it."""

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Backend(Protocol):
    """Answers a call of the AlphaGenome service with messages, all of them serialised."""

    name: str

    def answer(self, method: str, request: bytes, seconds: float | None) -> AsyncGenerator[bytes, None]:
        """Yield the answer to `request`; raises CallRefused. `seconds` are left until the caller gives up."""

    async def close(self) -> None:
        """Release what it holds."""
