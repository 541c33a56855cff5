"""A made-up genome: every base follows from organism, chromosome and position alone."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
UNKNOWN = 4
_TABLE = np.full(256, UNKNOWN, np.uint8)
for _code, _letter in enumerate("ACGT"):
    _TABLE[ord(_letter)] = _TABLE[ord(_letter.lower())] = _code


def encode(letters: str) -> Codes:
    """Return a sequence as codes 0 to 3 for A, C, G and T; 4 for anything else."""
    return _TABLE[np.frombuffer(letters.encode("ascii", "replace"), np.uint8)]


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble integers as splitmix64 does (Steele, Lea and Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        x = values + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def seed_of(*parts: object) -> int:
    """Return a number that follows from `parts`, the same on every machine."""
    text = "\0".join(str(part) for part in parts).encode()
    return (zlib.crc32(text) << 32) | zlib.crc32(text[::-1])


def reference(organism: int, chromosome: str, start: int, end: int) -> Codes:
    """Return the made-up bases of a stretch; whatever window asks, a position has the same base."""
    positions = np.arange(start, end, dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        return (mix(positions + np.uint64(seed_of(organism, chromosome))) >> np.uint64(62)).astype(np.uint8)
