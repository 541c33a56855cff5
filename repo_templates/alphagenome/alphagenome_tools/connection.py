"""Reaching the model: where it is and which key it wants come from the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from alphagenome.models import dna_client

ADDRESS = "ALPHAGENOME_ADDRESS"
KEYS = ("ALPHAGENOME_API_KEY", "ALPHA_GENOME_API_KEY")

# What to tell people beside the service's own words.
ADVICE = {
    grpc.StatusCode.UNAUTHENTICATED: "The key is not accepted. Start again to get a new one.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "Too many questions at once. Try again in a minute.",
    grpc.StatusCode.UNAVAILABLE: "The model cannot be reached. Try again in a minute.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The model took too long. Try again, or ask for less.",
}


class ModelError(RuntimeError):
    """The model refused or could not answer; the message says why and what to do."""


@contextmanager
def asking() -> Iterator[None]:
    """Turn the service's errors in the ``with`` block into :class:`ModelError` with words for people."""
    try:
        yield
    except grpc.RpcError as error:
        details = (error.details() or "").strip()
        words = [ADVICE.get(error.code(), ""), details or error.code().name]
        raise ModelError(" ".join(word for word in words if word)) from None


def connect(timeout: float = 20.0, environment: Mapping[str, str] | None = None) -> dna_client.DnaClient:
    """Return a client that is ready for calls.

    The address is read from ``ALPHAGENOME_ADDRESS`` (the public service where it is unset), the key from
    ``ALPHAGENOME_API_KEY`` or ``ALPHA_GENOME_API_KEY``; both are set inside a workspace. ``timeout`` is in
    seconds.

    Raises RuntimeError without a key, and ConnectionError when the service does not answer in time.
    """
    variables = os.environ if environment is None else environment
    address = variables.get(ADDRESS) or None
    key = next((variables[name] for name in KEYS if variables.get(name)), None)
    if key is None:
        raise RuntimeError(
            f"No AlphaGenome key: neither {KEYS[0]} nor {KEYS[1]} is set. "
            "Inside a workspace they are set for you; elsewhere, get a key and set one of them."
        )
    try:
        return dna_client.create(key, address=address, timeout=timeout)
    except grpc.FutureTimeoutError as error:
        raise ConnectionError(
            f"AlphaGenome at {address or 'its public address'} did not answer within {timeout:g} s. "
            "Try again in a minute; if it stays so, tell the workspace's administrator."
        ) from error
