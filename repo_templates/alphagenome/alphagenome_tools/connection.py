"""Reaching the model: where it is and which key it wants come from the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from alphagenome.models import dna_client

from alphagenome_tools.usage import QuotaMeter

ADDRESS = "ALPHAGENOME_ADDRESS"
KEYS = ("ALPHAGENOME_API_KEY", "ALPHA_GENOME_API_KEY")

# What to tell people beside the service's own words.
ADVICE = {
    grpc.StatusCode.UNAUTHENTICATED: "The key is not accepted. Start again to get a new one.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "Too many questions at once. Try again in a minute.",
    grpc.StatusCode.UNAVAILABLE: "The model cannot be reached. Try again in a minute.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The model took too long. Try again, or ask for less.",
}


# Refusals that every other question would meet too.
FINAL = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
# Refusals that pass by themselves.
PASSING = (
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
)


class ModelError(RuntimeError):
    """The model refused or could not answer; the message says why and what to do.

    ``passing``: asking again later may help. ``final``: every other question would be refused as well.
    """

    passing = False
    final = False


@contextmanager
def asking() -> Iterator[None]:
    """Turn the service's errors in the ``with`` block into :class:`ModelError` with words for people."""
    try:
        yield
    except grpc.RpcError as error:
        details = (error.details() or "").strip()
        words = [ADVICE.get(error.code(), ""), details or error.code().name]
        told = ModelError(" ".join(word for word in words if word))
        told.passing, told.final = error.code() in PASSING, error.code() in FINAL
        raise told from None


def connect(timeout: float = 20.0, environment: Mapping[str, str] | None = None) -> dna_client.DnaClient:
    """Return a client that is ready for calls.

    The address is read from ``ALPHAGENOME_ADDRESS`` (the public service where it is unset), the key from
    ``ALPHAGENOME_API_KEY`` or ``ALPHA_GENOME_API_KEY``; both are set inside a workspace. ``timeout`` is in
    seconds.

    The client is Google's own; beside that it keeps what answers say of the quota (:func:`quota`).

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
        client = dna_client.create(key, address=address, timeout=timeout)
    except grpc.FutureTimeoutError as error:
        raise ConnectionError(
            f"AlphaGenome at {address or 'its public address'} did not answer within {timeout:g} s. "
            "Try again in a minute; if it stays so, tell the workspace's administrator."
        ) from error
    # The client has no door for interceptors; its channel is replaced by the same one, watched.
    client.quota_meter = QuotaMeter()
    client._channel = grpc.intercept_channel(client._channel, client.quota_meter)
    return client
