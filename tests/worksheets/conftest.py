"""Short names for tests of long values."""

from __future__ import annotations

LONGEST = 40


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test after the beginning of a long text or number; others are named as pytest does."""
    if isinstance(val, str | bytes) and len(val) > LONGEST:
        return f"{val[:LONGEST]!r}..."
    return "a huge number" if isinstance(val, int) and abs(val) > 10**LONGEST else None
