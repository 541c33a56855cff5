"""Protection of browsers against requests that another site makes in their name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEADER = "x-csrf-token"
FIELD = "csrf"
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})


class Csrf:
    """Makes and checks the token of one browser session: an HMAC of the session's or the visitor's id."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"csrf" + secret_key.encode()).digest()

    def token(self, binding: str) -> str:
        """Return the token of the browser that is known by `binding`."""
        return hmac.new(self._key, binding.encode(), hashlib.sha256).hexdigest()

    def matches(self, binding: str, given: str) -> bool:
        """Return whether `given` is the token of `binding`."""
        return hmac.compare_digest(self.token(binding).encode(), given.encode())


def same_origin(headers: Mapping[str, str], public_url: str) -> bool:
    """Return whether the browser says that the request comes from our own pages.

    `Sec-Fetch-Site` decides where it is sent; else `Origin` must be ours, by configuration or by the
    `Host` the browser itself used. A program that sends neither is not a browser.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    ours = urlsplit(public_url)
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc) or (
        bool(parts.netloc) and parts.netloc == headers.get("host")
    )


def needs_token(*, signed_in: bool, content_type: str) -> bool:
    """Return whether a changing request must carry the token.

    A signed-in browser's always must. A visitor's need not where the body is of a type that no form can
    send: another site's script would have to ask us first, and we never allow it.
    """
    return signed_in or content_type.partition(";")[0].strip().lower() in FORM_TYPES
