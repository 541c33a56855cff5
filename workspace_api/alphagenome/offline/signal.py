"""Tracks along a window: features mixed by each track's own weights, expression where genes have exons."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from alphagenome.protos.v1 import dna_model_pb2 as pb
from numpy.typing import NDArray

from workspace_api.alphagenome.offline.catalogue import NEGATIVE, NEITHER, POSITIVE, Track, resolution
from workspace_api.alphagenome.offline.features import FEATURES, Values, binned
from workspace_api.alphagenome.offline.genes import Gene
from workspace_api.alphagenome.offline.scene import Scene
from workspace_api.alphagenome.offline.sequence import mix, seed_of

SPLICING = (pb.OUTPUT_TYPE_SPLICE_SITES, pb.OUTPUT_TYPE_SPLICE_SITE_USAGE)
LEVELS = {pb.OUTPUT_TYPE_CAGE: 0.4, pb.OUTPUT_TYPE_PROCAP: 0.4, pb.OUTPUT_TYPE_CHIP_TF: 1.5}
DEFAULT_LEVEL = 1.0
BASELINE = 0.02
FADING_BINS = 40  # over which contacts fade
LARGEST_CHANGE = 0.8
SENSITIVITY = 20.0  # of expression to what a variant changes
THRESHOLD = 0.6  # of the mixed features, from where a track rises
SHARPNESS = 4.0


def track_values(scene: Scene, output: int, tracks: Sequence[Track]) -> Values:
    """Return the values of `tracks` along the scene: shape (positions, tracks) at the output's resolution."""
    if output == pb.OUTPUT_TYPE_RNA_SEQ:
        return _expression_tracks(scene, tracks, expression(scene, tracks))
    if output in SPLICING:
        return _splicing_tracks(scene, output, tracks)
    if output == pb.OUTPUT_TYPE_CONTACT_MAPS:
        return contact_maps(scene, tracks)
    mixed = binned(scene.features, resolution(output)) @ weights_of(tracks)
    level = LEVELS.get(output, DEFAULT_LEVEL)
    peaks: Values = (level * np.log1p(np.exp(SHARPNESS * (mixed - THRESHOLD))) + BASELINE).astype(np.float32)
    return peaks


def track_blocks(
    scene: Scene, output: int, tracks: Sequence[Track], size: int, span: tuple[int, int] | None = None
) -> Iterator[Values]:
    """Yield what `track_values` returns, from left to right, in blocks of at most about `size` bytes.

    Contact maps come as one block. `block_count` says how many blocks there are. With `span`, whole bins of
    the scene, only its part of the values is computed.
    """
    if output == pb.OUTPUT_TYPE_CONTACT_MAPS:
        yield contact_maps(scene, tracks)
        return
    levels = expression(scene, tracks) if output == pb.OUTPUT_TYPE_RNA_SEQ else None
    step = _block_rows(len(tracks), size) * resolution(output)
    first, last = span or (scene.start, scene.end)
    for begin in range(first, last, step):
        part = scene.cut(begin, min(begin + step, last))
        if levels is None:
            yield track_values(part, output, tracks)
        else:
            yield _expression_tracks(part, tracks, levels)


def block_count(shape: tuple[int, ...], output: int, size: int) -> int:
    """Return how many blocks `track_blocks` yields for values of `shape`; none without tracks."""
    if 0 in shape:
        return 0
    if output == pb.OUTPUT_TYPE_CONTACT_MAPS:
        return 1
    return -(-shape[0] // _block_rows(shape[1], size))


def _block_rows(tracks: int, size: int) -> int:
    return max(1, size // (np.dtype(np.float32).itemsize * max(1, tracks)))


def values_shape(length: int, output: int, tracks: int) -> tuple[int, ...]:
    """Return the shape of an output's values along `length` bases."""
    bins = length // resolution(output)
    return (bins, bins, tracks) if output == pb.OUTPUT_TYPE_CONTACT_MAPS else (bins, tracks)


def weights_of(tracks: Sequence[Track]) -> Values:
    """Return how much each feature counts in each track: shape (features, tracks)."""
    if not tracks:
        return np.zeros((FEATURES, 0), np.float32)
    return np.stack([_weights(_cell(t), t.assay, t.factor, t.mark) for t in tracks], axis=1)


@functools.lru_cache(maxsize=8192)
def _weights(cell: str, assay: str, factor: str, mark: str) -> Values:
    """Return a track's weights; both strands share them, and CTCF's are the largest of all factors."""
    numbers = np.arange(FEATURES, dtype=np.uint64) + np.uint64(seed_of(cell, assay, factor, mark) % 2**63)
    uniform = (mix(numbers) >> np.uint64(11)).astype(np.float64) / 2**53
    weights = uniform - 0.25
    if factor == "CTCF":
        weights = 2.5 * (0.5 + uniform)
    return weights.astype(np.float32)


def _cell(track: Track) -> str:
    return track.biosample.term if track.biosample else track.name


def expression(scene: Scene, tracks: Sequence[Track]) -> Values:
    """Return the expression of the scene's genes: shape (genes, tracks).

    It follows from all features of the scene, those near the gene's start above all. What a variant changes
    changes it by at most `LARGEST_CHANGE` (natural logarithm), the less the farther it is.
    """
    weights = weights_of(tracks)
    level = 3 * np.tanh(scene.regulation @ weights / 3)
    if scene.regulation_change is not None:
        level = level + LARGEST_CHANGE * np.tanh(SENSITIVITY * (scene.regulation_change @ weights))
    base = np.array([_base_level(gene) for gene in scene.genes], np.float32).reshape(-1, 1)
    result: Values = (np.exp(level) * base).astype(np.float32)
    return result


def _base_level(gene: Gene) -> np.float32:
    number = seed_of("level", gene.gene_id) % 1000
    return np.float32(0.2 + number / 400)


def _expression_tracks(scene: Scene, tracks: Sequence[Track], levels: Values) -> Values:
    values = np.full((len(scene.features), len(tracks)), 0.003, np.float32)
    texture = (0.75 + 0.5 * np.tanh(scene.features[:, 0])).astype(np.float32)
    for row, gene in enumerate(scene.genes):
        heard = _strand_factor(gene, tracks) * levels[row]
        _add(values, scene, (gene.start, gene.end), 0.02 * heard, texture)
        for exon in gene.exons:
            _add(values, scene, exon, heard, texture)
    return values


def _add(values: Values, scene: Scene, span: tuple[int, int], amount: Values, texture: Values) -> None:
    begin, end = (min(max(place - scene.start, 0), len(values)) for place in span)
    values[begin:end] += texture[begin:end, None] * amount


def _strand_factor(gene: Gene, tracks: Sequence[Track]) -> Values:
    """Return how loud each track hears a gene: fully on its strand or on none, faintly on the other."""
    own = POSITIVE if gene.forward else NEGATIVE
    return np.array([1.0 if t.strand in (own, NEITHER) else 0.01 for t in tracks], np.float32)


def splice_sites(gene: Gene) -> list[tuple[int, str]]:
    """Return where a gene is spliced, from 0, and which kind of site is there."""
    exons = gene.exons
    left, right = ("donor", "acceptor") if gene.forward else ("acceptor", "donor")
    sites = [(exon[1] - 1, left) for exon in exons[:-1]]
    return sites + [(exon[0], right) for exon in exons[1:]]


def site_strength(scene: Scene, position: int) -> float:
    """Return how strong a splice site is, 0 to 1, from the sequence right around it."""
    at = position - scene.start
    seen = float(scene.features[at, 0]) if 0 <= at < len(scene.features) else 0.0
    return float(1 / (1 + np.exp(-(1.5 + 0.8 * seen))))


def _splicing_tracks(scene: Scene, output: int, tracks: Sequence[Track]) -> Values:
    values = np.full((len(scene.features), len(tracks)), 1e-4, np.float32)
    usage = output == pb.OUTPUT_TYPE_SPLICE_SITE_USAGE
    for gene in scene.genes:
        strand = POSITIVE if gene.forward else NEGATIVE
        for position, kind in splice_sites(gene):
            if not scene.start <= position < scene.end:
                continue
            strength = site_strength(scene, position)
            fits = [t.strand == strand and (usage or t.name.startswith(kind)) for t in tracks]
            factors = _usage_factors(tracks) if usage else np.ones(len(tracks), np.float32)
            values[position - scene.start, fits] = strength * factors[fits]
    return values


def _usage_factors(tracks: Sequence[Track]) -> Values:
    return np.array([0.4 + 0.6 * (seed_of("usage", _cell(t)) % 1000) / 1000 for t in tracks], np.float32)


def junctions(scene: Scene, tracks: Sequence[Track]) -> tuple[list[tuple[int, int, bool, Gene]], Values]:
    """Return the splice junctions inside the scene (start, end, forward, gene), and their values by track."""
    found = [
        (left[1], right[0], gene.forward, gene)
        for gene in scene.genes
        for left, right in zip(gene.exons, gene.exons[1:], strict=False)
        if scene.start <= left[1] and right[0] < scene.end
    ]
    factors = _usage_factors(tracks)
    strengths = [site_strength(scene, a - 1) * site_strength(scene, b) * 20 for a, b, _, _ in found]
    return found, np.outer(np.array(strengths, np.float32), factors).astype(np.float32)


def contact_maps(scene: Scene, tracks: Sequence[Track]) -> Values:
    """Return contact maps: shape (bins, bins, tracks), symmetric, log fold over what distance alone gives."""
    anchors = _anchors(scene, tracks)
    distance = np.abs(np.subtract.outer(np.arange(len(anchors)), np.arange(len(anchors))))
    maps: Values = anchors[:, None, :] * anchors[None, :, :] * _fading(distance)[:, :, None]
    return maps


def contact_row(scene: Scene, tracks: Sequence[Track], at: int) -> Values:
    """Return one row of the contact maps: shape (bins, tracks)."""
    anchors = _anchors(scene, tracks)
    row: Values = anchors[at] * anchors * _fading(np.abs(np.arange(len(anchors)) - at))[:, None]
    return row


def _anchors(scene: Scene, tracks: Sequence[Track]) -> Values:
    strength = binned(scene.features, resolution(pb.OUTPUT_TYPE_CONTACT_MAPS)) @ weights_of(tracks)
    anchors: Values = strength - strength.mean(axis=0, keepdims=True)
    return anchors


def _fading(distance: NDArray[np.int64]) -> Values:
    return np.exp(-distance / FADING_BINS).astype(np.float32)
