"""Who may call the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Caller:
    """The account and token that stand behind a call."""

    name: str
    token_id: str


class TokenVerifier(Protocol):
    """Knows the personal tokens."""

    async def verify(self, token: str) -> Caller | None:
        """Return who `token` stands for, None for one that is unknown, expired, revoked or too narrow."""
