"""Sealed values: what a browser keeps for us, and cannot read, change or keep for too long."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Seal:
    """Seals small mappings of strings for one purpose (Fernet: AES-128-CBC with HMAC-SHA256 and a time).

    Each purpose has its own key, derived from `secret_key` by HKDF, so that what was sealed for one use is
    never accepted for another. `max_age` is in seconds; with None what was sealed stays good.
    """

    def __init__(self, secret_key: str, purpose: str, max_age: int | None) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self.max_age = max_age

    def seal(self, values: Mapping[str, str]) -> str:
        """Return `values` sealed now, safe to use as a cookie's value."""
        return self._fernet.encrypt(json.dumps(dict(values)).encode()).decode()

    def open(self, sealed: str) -> dict[str, str] | None:
        """Return what was sealed, or None when it is not ours, was changed, or is older than `max_age`."""
        try:
            values = json.loads(self._fernet.decrypt(sealed.encode(), ttl=self.max_age))
        except (InvalidToken, UnicodeEncodeError):
            return None
        return {str(name): str(value) for name, value in values.items()}
