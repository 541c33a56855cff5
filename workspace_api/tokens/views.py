"""Tokens as their owner sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class TokenView:
    """One token without its secret; `run_id` is set on the token that a run carries."""

    id: str
    user: str
    name: str
    scopes: frozenset[str]
    run_id: str | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None


@dataclass(frozen=True)
class NewToken:
    """A token just made, with its secret, which is kept nowhere."""

    secret: str
    token: TokenView


@dataclass(frozen=True)
class GatewayCaller:
    """Whom a token stands for at the AlphaGenome gateway; `system` is one of the workspace's own accounts."""

    name: str
    token_id: str
    run_id: str | None
    system: bool


@dataclass(frozen=True)
class GitNote:
    """When a password for git was last asked for with the token of a session; `NEVER` where none may work.

    `mark` tells it from the password of every other token, of this workspace and of others on its forge.
    """

    token_id: int
    mark: str
    user: str
    asked_at: dt.datetime
