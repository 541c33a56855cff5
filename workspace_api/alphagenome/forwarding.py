"""Forwards calls to the real service with the shared key; messages pass through as they are."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from pathlib import Path

import grpc

from workspace_api.alphagenome.backends import SERVICE, UNARY, CallRefused

logger = logging.getLogger(__name__)
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
KEY_WORDS = "api key"  # Google answers an unknown key with INVALID_ARGUMENT and these words
KEY_REFUSED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})


class ForwardingBackend:
    """The real service behind the gateway."""

    name = "alphagenome"

    def __init__(self, address: str, key: str, roots: Path | None = None) -> None:
        credentials = grpc.ssl_channel_credentials(roots.read_bytes() if roots else None)
        self._channel = grpc.aio.secure_channel(address, credentials, options=UNLIMITED)
        self._key = key.strip()

    async def answer(self, method: str, request: bytes, seconds: float | None) -> AsyncGenerator[bytes, None]:
        """Yield what the service answers; its refusals are passed on without the key."""
        if not (self._key and self._key.isascii() and self._key.isprintable()):
            raise _key_refused("it is blank, or holds characters that no key has")
        path = f"/{SERVICE}/{method}"
        metadata = (("x-goog-api-key", self._key),)
        if method in UNARY:
            call = self._channel.unary_stream(path)(request, metadata=metadata, timeout=seconds)
        else:
            call = self._channel.stream_stream(path)(iter([request]), metadata=metadata, timeout=seconds)
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise self._refusal(error) from None
        finally:
            call.cancel()

    def _refusal(self, error: grpc.aio.AioRpcError) -> CallRefused:
        details = (error.details() or error.code().name).replace(self._key, "...")
        if error.code() in KEY_REFUSED or KEY_WORDS in details.lower():
            return _key_refused(f"{error.code().name}, {details}")
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            logger.warning("AlphaGenome is not available: %s", details)
            details = f"not available now ({details}). Try again in a minute."
        return CallRefused(error.code(), f"AlphaGenome: {details}")

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


def _key_refused(reason: str) -> CallRefused:
    """Tell the log why, and the caller, who can do nothing about it, whom to ask."""
    logger.error("AlphaGenome does not accept the workspace's key: %s", reason)
    return CallRefused(
        grpc.StatusCode.FAILED_PRECONDITION,
        "AlphaGenome does not accept this workspace's key. Ask an administrator to check it.",
    )
