"""Who may call the gateway, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Caller:
    """The account and token that stand behind a call.

    `run_id` is that of the run that carries the token; `system` says that the account is the workspace's own,
    in whose name visitors run worksheets.
    """

    name: str
    token_id: str
    run_id: str | None = None
    system: bool = False


@dataclass(frozen=True)
class Admitted:
    """What a caller asks with: the key of their own, or None for the model that the workspace offers.

    Answers are kept apart by `namespace`: those that were asked for with somebody's own key are theirs alone.
    """

    namespace: str = ""
    key: str | None = None


class TokenVerifier(Protocol):
    """Knows the personal tokens."""

    async def verify(self, token: str) -> Caller | None:
        """Return who `token` stands for, None for one that is unknown, expired, revoked or too narrow."""


class Admission(Protocol):
    """Knows who has agreed to what."""

    async def admit(self, caller: Caller) -> Admitted:
        """Return what a caller asks with; refuses with PERMISSION_DENIED who must agree to something."""


class OpenToAll:
    """Lets everybody who has a token ask the offline model, which has no terms."""

    async def admit(self, caller: Caller) -> Admitted:
        """Let them in."""
        return Admitted()
