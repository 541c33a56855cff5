"""Features along a sequence: smooth bumps where short motifs stand, so that one base changes what is near."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from workspace_api.alphagenome.offline.sequence import UNKNOWN, Codes, mix, seed_of

Values = NDArray[np.float32]
KMER = 6
WIDTHS = (12, 40, 75, 150, 300)  # half widths in bases of the five features' bumps
FEATURES = len(WIDTHS)
MARGIN = 3 * max(WIDTHS) + KMER  # beyond this a base changes nothing
RARITY = 12  # the higher, the fewer motifs count for much


@functools.lru_cache(maxsize=1)
def motif_weights() -> Values:
    """Return how much each 6-mer counts in each feature: shape (features, 4096), a few of them for much.

    The mean is taken off, so that a sequence without strong motifs lies near zero.
    """
    numbers = np.arange(FEATURES * 4**KMER, dtype=np.uint64) + np.uint64(seed_of("motifs") % 2**32)
    uniform = (mix(numbers) >> np.uint64(11)).astype(np.float64) / 2**53
    weights = 1.5 * (uniform**RARITY - 1 / (RARITY + 1))
    return weights.reshape(FEATURES, 4**KMER).astype(np.float32)


def features(codes: Codes) -> Values:
    """Return the features of a sequence: shape (length, features); near its ends they see less."""
    length = len(codes)
    kmers = np.zeros(length - KMER + 1, np.int64)
    known = np.ones(length - KMER + 1, bool)
    for offset in range(KMER):
        part = codes[offset : offset + len(kmers)]
        kmers = kmers * 4 + np.minimum(part, 3)
        known &= part != UNKNOWN
    result = np.empty((length, FEATURES), np.float32)
    for index, width in enumerate(WIDTHS):
        hits = np.zeros(length, np.float32)
        hits[KMER // 2 : KMER // 2 + len(kmers)] = motif_weights()[index][kmers] * known
        result[:, index] = _smooth(hits, width)
    return result


def _smooth(values: Values, width: int) -> Values:
    """Spread each value over its surroundings: three moving averages, nearly a bell of half width `width`.

    The result is scaled so that features of all widths vary about as much.
    """
    window = 2 * (width // 2) + 1
    smooth = values.astype(np.float64)
    for _ in range(3):
        total = np.cumsum(np.pad(smooth, (window // 2 + 1, window // 2)))
        smooth = (total[window:] - total[:-window]) / window
    spread: Values = (3 * np.sqrt(window) * smooth).astype(np.float32)
    return spread


def binned(values: Values, size: int) -> Values:
    """Return the means of bins of `size` bases along the first axis."""
    if size == 1:
        return values
    means: Values = values.reshape(len(values) // size, size, *values.shape[1:]).mean(
        axis=1, dtype=np.float32
    )
    return means
