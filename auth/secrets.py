"""Secrets of personal tokens: how one is made, and the hash that is kept of it."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "lf_"  # noqa: S105 - a visible mark, so that a leaked token is recognised


def new_token() -> str:
    """Return a fresh token: `lf_` and 32 random bytes in URL-safe base64."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(secret: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal.

    A plain hash is enough: the secret is 256 random bits, which nobody can search.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
