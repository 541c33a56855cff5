"""The sequence around a variant with either allele, kept in step with the reference's positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workspace_api.alphagenome.offline.features import MARGIN, Values, features
from workspace_api.alphagenome.offline.sequence import Codes, encode, reference


@dataclass(frozen=True)
class Window:
    """A stretch of a chromosome; start from 0, end not included."""

    organism: int
    chromosome: str
    start: int
    end: int

    @property
    def width(self) -> int:
        """Its length in bases."""
        return self.end - self.start


@dataclass(frozen=True)
class Edit:
    """A variant: `position` from 1, as in VCF."""

    position: int
    reference: str
    alternate: str

    @property
    def start(self) -> int:
        """The first base that is replaced, from 0."""
        return self.position - 1

    @property
    def end(self) -> int:
        """The base after the last one that is replaced."""
        return self.start + len(self.reference)


def window_features(window: Window) -> Values:
    """Return the features along a window, of shape (width, features), with the genome's own bases."""
    start = max(window.start - MARGIN, 0)
    codes = reference(window.organism, window.chromosome, start, window.end + MARGIN)
    return features(codes)[window.start - start : window.start - start + window.width]


def replaced(values: Values, window: Window, edit: Edit, letters: str) -> Values:
    """Return a window's features with `letters` in the place of an edit; `values` itself if nothing changes.

    They are laid over the reference's positions: inserted bases fall together at the insertion, deleted ones
    have none. Only what is within `MARGIN` of the edit is computed; beyond it every bit stays.
    """
    start = max(edit.start - 2 * MARGIN, 0)
    codes = reference(window.organism, window.chromosome, start, edit.end + 2 * MARGIN)
    begin, stop, inserted = edit.start - start, edit.end - start, encode(letters)
    if np.array_equal(codes[begin:stop], inserted):
        return values
    changed = np.concatenate([codes[:begin], inserted, codes[stop:]])
    laid = _over_reference(features(changed), begin, stop, len(inserted))
    low, high = max(edit.start - MARGIN, window.start), min(edit.end + MARGIN, window.end)
    result = values.copy()
    result[low - window.start : high - window.start] = laid[low - start : high - start]
    return result


def sequence_features(codes: Codes) -> Values:
    """Return the features of a sequence that a caller sent."""
    return features(codes)


def _over_reference(values: Values, begin: int, stop: int, inserted: int) -> Values:
    """Give `values` of a changed sequence the length of the reference."""
    replaced = stop - begin
    inside = values[begin : begin + inserted]
    middle = np.zeros((replaced, values.shape[1]), np.float32)
    kept = min(replaced, inserted)
    middle[:kept] = inside[:kept]
    if inserted > replaced > 0:
        middle[-1] = inside[kept - 1 :].max(axis=0)
    return np.concatenate([values[:begin], middle, values[begin + inserted :]])
