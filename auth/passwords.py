"""Passwords: which are accepted, and how they are kept (argon2id)."""

from __future__ import annotations

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
LONGEST = 200
AT_ONCE = 2


def refusal(name: str, password: str) -> str | None:
    """Return why `password` is no good for the account `name`, in words, or None when it is."""
    if len(password) < SHORTEST:
        return f"The password has {len(password)} characters; it needs at least {SHORTEST}."
    if len(password) > LONGEST:
        return f"The password has {len(password)} characters; {LONGEST} is the most."
    if password.casefold() == name.casefold():
        return "The password is the same as the name; choose another."
    return None


class Passwords:
    """Hashes passwords and checks them; `hasher` decides what that costs.

    Each takes 64 MiB by argon2's own measure, so only two are done at once and the others wait.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is stored of `password`; every call gives another salt."""
        with self._turns:
            return self._hasher.hash(password)

    def check(self, stored: str | None, password: str) -> bool:
        """Return whether `password` is the one `stored` was made from.

        Without a stored hash (no such account) the same work is done, so that the time taken does not tell
        which accounts exist. A password longer than any accepted one is refused unread.
        """
        if len(password) > LONGEST:
            return False
        try:
            with self._turns:
                matches = self._hasher.verify(stored or self._of_nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return matches and bool(stored)

    @cached_property
    def _of_nobody(self) -> str:
        return self._hasher.hash("nobody has this password")
