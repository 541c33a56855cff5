"""Forwards calls to the real service with the shared key; messages pass through as they are."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import grpc

from workspace_api.alphagenome.backends import FIELD_MASK, CallRefused, Errand, Shape
from workspace_api.alphagenome.breaker import Breaker
from workspace_api.alphagenome.keyring import NOT_ACCEPTED, KeyRing

logger = logging.getLogger(__name__)
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
KEY_WORDS = "api key"  # Google answers an unknown key with INVALID_ARGUMENT and these words
KEY_REFUSED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
CHANNELS = 4  # one connection carries a hundred streams at most, and its bytes in one line
LONGEST_SECONDS = 600.0  # of a call whose caller gave no time
PATIENCE_SECONDS = 60.0  # for which a call is tried again
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
OWN_KEY = "AlphaGenome does not accept your own key. Put in another one on your page My work, AlphaGenome."


class ForwardingBackend:
    """The real service behind the gateway, reached over a few connections."""

    name = "alphagenome"

    def __init__(
        self, address: str, keys: KeyRing, roots: Path | None = None, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        credentials = grpc.ssl_channel_credentials(roots.read_bytes() if roots else None)
        options = (*UNLIMITED, ("grpc.use_local_subchannel_pool", 1))
        self._channels = [
            grpc.aio.secure_channel(address, credentials, options=options) for _ in range(CHANNELS)
        ]
        self._busy = [0] * CHANNELS
        self._keys = keys
        self._breaker = Breaker()
        self._patience = patience
        self.identity = f"alphagenome {address}"

    async def answer(self, errand: Errand) -> AsyncGenerator[bytes, None]:
        """Yield what the service answers; its refusals are passed on without the key.

        What passes by itself is tried again until the first message is here, with other keys if there are.
        """
        ends = time.monotonic() + (errand.seconds or LONGEST_SECONDS)
        patient_until = min(ends, time.monotonic() + self._patience)
        pause, began = FIRST_PAUSE, False
        while True:
            self._breaker.check()
            key = errand.key or self._keys.take()
            try:
                async with aclosing(self._once(errand, key, ends - time.monotonic())) as messages:
                    async for message in messages:
                        began = True
                        yield message
            except grpc.aio.AioRpcError as error:
                refusal, other_key = self._heard(error, key, own=errand.key is not None)
                wait = 0.0 if other_key else pause * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                passing = other_key or error.code() in PASSING
                if began or not passing or time.monotonic() + wait > patient_until:
                    raise refusal from None
                await asyncio.sleep(wait)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._breaker.worked()
                return

    async def _once(self, errand: Errand, key: str, seconds: float) -> AsyncGenerator[bytes, None]:
        """Ask once; the call is given up upstream when nobody reads on."""
        at = min(range(CHANNELS), key=self._busy.__getitem__)
        channel, question = self._channels[at], errand.question
        mask = ((FIELD_MASK, question.field_mask),) if question.field_mask else ()
        options = {"metadata": (("x-goog-api-key", key), *mask), "timeout": seconds}
        method, errand.calls = question.method, errand.calls + 1
        self._busy[at] += 1
        try:
            if method.shape is Shape.UNARY_UNARY:
                yield await channel.unary_unary(method.path)(question.body, **options)
                return
            # A stream of one question is the same on the wire, and the question leaves with the call's head.
            call = channel.unary_stream(method.path)(question.body, **options)
            try:
                async for message in call:
                    yield message
            finally:
                call.cancel()
        finally:
            self._busy[at] -= 1

    def _heard(self, error: grpc.aio.AioRpcError, key: str, *, own: bool) -> tuple[CallRefused, bool]:
        """Return what to tell the caller, and whether another key may do better at once."""
        status = error.code()
        details = (error.details() or status.name).replace(key, "...")
        if status is grpc.StatusCode.UNAVAILABLE:
            self._breaker.failed()
            logger.warning("AlphaGenome is not available: %s", details)
            return CallRefused(
                status, f"AlphaGenome: not available now ({details}). Try again in a minute."
            ), False
        self._breaker.worked()
        if status in KEY_REFUSED or KEY_WORDS in details.lower():
            if own:
                return CallRefused(grpc.StatusCode.FAILED_PRECONDITION, OWN_KEY, personal=True), False
            others = self._keys.refuse(key, f"{status.name}, {details}")
            return CallRefused(grpc.StatusCode.FAILED_PRECONDITION, NOT_ACCEPTED), others
        if status is grpc.StatusCode.RESOURCE_EXHAUSTED and not own:
            self._keys.rest(key)
        late = status is grpc.StatusCode.DEADLINE_EXCEEDED
        return CallRefused(status, f"AlphaGenome: {details}", personal=late), False

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()
