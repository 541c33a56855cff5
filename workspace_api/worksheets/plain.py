"""What of Python's values JSON, a database and a page can hold."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 10**300
MAX_DEPTH = 50
NUL = "\0"


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value as JSON has it: tuples and sets as lists, keys as text, text that can be stored.

    Text loses nothing but NUL and halves of surrogate pairs, which become a question mark or U+FFFD.
    Raises ValueError for numbers that JSON lacks and for deep nesting, TypeError for everything else that
    it lacks.
    """
    if depth == 0:
        raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace(NUL, "\ufffd")
    if isinstance(value, int | float):
        if abs(value) > LARGEST or math.isnan(value):
            raise ValueError("a number must be finite, and have at most 300 digits")
        return value
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return {_key(key): plain(item, depth - 1) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def _key(key: Any) -> str:
    return str(plain(key)) if isinstance(key, str | int | float) else str(key)
