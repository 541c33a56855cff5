"""Reaching the model: where it is and which key it wants come from the workspace."""

from __future__ import annotations

import os
from collections.abc import Mapping

import grpc
from alphagenome.models import dna_client

ADDRESS = "ALPHAGENOME_ADDRESS"
KEYS = ("ALPHAGENOME_API_KEY", "ALPHA_GENOME_API_KEY")


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
