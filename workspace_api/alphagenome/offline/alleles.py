"""The sequence around a variant with either allele, kept in step with the reference's positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workspace_api.alphagenome.offline.features import MARGIN, Values, features
from workspace_api.alphagenome.offline.sequence import LETTERS, Codes, encode, reference


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
    return _with_part(values, window, laid[low - start : high - start], low)


def base_replaced(values: Values, window: Window, edit: Edit, held: Edit) -> Values:
    """Return a window's features with one more base changed beside a variant that `values` hold already.

    `edit` is of one base that the variant has in place, and is written with the variant's own base as its
    reference. What is far from the variant is as it is without it.
    """
    if held.end < edit.start - 2 * MARGIN or held.start > edit.end + 2 * MARGIN:
        return replaced(values, window, edit, edit.alternate)
    first, last = min(edit.start, held.start), max(edit.end, held.end)
    start = max(first - 2 * MARGIN, 0)
    codes = reference(window.organism, window.chromosome, start, last + 2 * MARGIN)
    begin, stop, inserted = held.start - start, held.end - start, encode(held.alternate)
    changed = np.concatenate([codes[:begin], inserted, codes[stop:]])
    moved = len(inserted) - (stop - begin) if edit.start >= held.end else 0
    changed[edit.start - start + moved] = encode(edit.alternate)[0]
    laid = _over_reference(features(changed), begin, stop, len(inserted))
    low, high = max(first - MARGIN, window.start), min(last + MARGIN, window.end)
    return _with_part(values, window, laid[low - start : high - start], low)


def bases_of(stretch: Window, held: Edit | None) -> Iterator[tuple[int, str]]:
    """Yield (position from 0, letter) along a stretch, with the variant `held` in place where there is one.

    Positions are the reference's: what a variant deletes is passed over, and what it inserts has none.
    """
    codes = reference(stretch.organism, stretch.chromosome, stretch.start, stretch.end)
    for at, letter in enumerate(LETTERS[codes].tobytes().decode(), stretch.start):
        if held is None or not held.start <= at < held.end:
            yield at, letter
        elif at - held.start < len(held.alternate):
            yield at, held.alternate[at - held.start]


def sequence_features(codes: Codes) -> Values:
    """Return the features of a sequence that a caller sent."""
    return features(codes)


def _with_part(values: Values, window: Window, part: Values, low: int) -> Values:
    """Return a copy of `values` with `part` from the position `low` on."""
    result = values.copy()
    result[low - window.start : low - window.start + len(part)] = part
    return result


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
