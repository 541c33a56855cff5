"""What is known of a window of a genome: its features and its genes, and how the one moves the other."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from workspace_api.alphagenome.offline.features import FEATURES, Values
from workspace_api.alphagenome.offline.genes import Gene

REACH = 20_000.0  # bases over which what is near a gene's start counts for its expression
PROMOTER = 400.0  # bases over which it counts above all
FARTHEST = 200_000  # bases beyond which nothing counts: e to the power of -10


@dataclass(frozen=True)
class Scene:
    """A window's first position, its features of shape (length, features), and its genes.

    `before` is the reference's scene where this one is an alternate allele's.
    """

    start: int
    features: Values
    genes: tuple[Gene, ...]
    before: Scene | None = None

    @property
    def end(self) -> int:
        """The base after its last one."""
        return self.start + len(self.features)

    def cut(self, begin: int, end: int) -> Scene:
        """Return the part from `begin` to `end`, with all genes."""
        return Scene(begin, self.features[begin - self.start : end - self.start], self.genes)

    @functools.cached_property
    def regulation(self) -> Values:
        """What stands around each gene's start, of shape (genes, features), in the reference's scene."""
        if self.before is not None:
            return self.before.regulation
        return self._weighed(self.features, self.start)

    @functools.cached_property
    def regulation_change(self) -> Values | None:
        """What a variant changes of that, of the same shape; None in the reference's scene."""
        if self.before is None:
            return None
        differs = np.flatnonzero((self.features != self.before.features).any(axis=1))
        if not len(differs):
            return np.zeros((len(self.genes), FEATURES), np.float32)
        part = slice(int(differs[0]), int(differs[-1]) + 1)
        return self._weighed(self.features[part] - self.before.features[part], self.start + part.start)

    def _weighed(self, values: Values, first: int) -> Values:
        """Sum `values`, whose first row is at position `first`, each by its nearness to each gene's start."""
        result = np.zeros((len(self.genes), FEATURES), np.float32)
        for row, gene in enumerate(self.genes):
            begin = min(max(gene.tss - FARTHEST - first, 0), len(values))
            end = min(max(gene.tss + FARTHEST - first, begin), len(values))
            # Whole numbers until the difference is small: float32 cannot count to a chromosome's end.
            distance = np.abs(np.arange(begin + first, end + first) - gene.tss).astype(np.float32)
            nearness = np.exp(-distance / REACH) / 1500 + np.exp(-distance / PROMOTER) / 100
            result[row] = nearness @ values[begin:end]
        return result
