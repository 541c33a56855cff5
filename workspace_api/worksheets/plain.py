"""What of Python's values JSON, a database and a page can hold."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 10**300
NUL = "\0"


def plain(value: Any) -> Any:
    """Return a value as JSON has it: tuples and sets as lists, keys as text, text that can be stored.

    Text loses nothing but NUL and halves of surrogate pairs, which become a question mark or U+FFFD.
    Raises ValueError for numbers that JSON lacks, TypeError for everything else that it lacks.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace(NUL, "\ufffd")
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > LARGEST:
            raise ValueError(f"the number is beyond {LARGEST:.0e}")
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def _key(key: Any) -> str:
    return str(plain(key)) if isinstance(key, str | int | float) else str(key)
