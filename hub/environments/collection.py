"""Which environments to remove: those nobody used for long, and more when they take up too much room."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stored:
    """An environment that is there: the bytes its removal frees, and when it was last used, in seconds."""

    key: str
    bytes: int
    used_at: float


def surplus(
    stored: Iterable[Stored], limit_bytes: int, *, in_use: Collection[str], before: float
) -> list[str]:
    """Return the keys to remove, least recently used first, so that at most `limit_bytes` stay.

    Never one of `in_use`, nor one that was used at `before` or later.
    """
    oldest = sorted(stored, key=lambda environment: (environment.used_at, environment.key))
    excess = sum(environment.bytes for environment in oldest) - limit_bytes
    chosen = []
    for environment in oldest:
        if excess <= 0 or environment.used_at >= before:
            break
        if environment.key not in in_use:
            chosen.append(environment.key)
            excess -= environment.bytes
    return chosen


def unused(stored: Iterable[Stored], *, in_use: Collection[str], before: float) -> list[str]:
    """Return the keys of what was last used before `before`, least recently first; never one of `in_use`."""
    oldest = sorted(stored, key=lambda environment: (environment.used_at, environment.key))
    return [each.key for each in oldest if each.used_at < before and each.key not in in_use]
