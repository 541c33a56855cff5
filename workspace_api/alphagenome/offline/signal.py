"""Tracks along a window: features mixed by each track's own weights, expression where genes have exons."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.offline.catalogue import NEGATIVE, NEITHER, POSITIVE, Track, resolution
from workspace_api.alphagenome.offline.features import FEATURES, Values, binned
from workspace_api.alphagenome.offline.genes import Gene
from workspace_api.alphagenome.offline.sequence import mix, seed_of

REACH = 20_000.0  # bases over which what is near a gene's start counts for its expression
PROMOTER = 400.0  # bases over which it counts above all
SPLICING = (pb.OUTPUT_TYPE_SPLICE_SITES, pb.OUTPUT_TYPE_SPLICE_SITE_USAGE)
LEVELS = {pb.OUTPUT_TYPE_CAGE: 0.4, pb.OUTPUT_TYPE_PROCAP: 0.4, pb.OUTPUT_TYPE_CHIP_TF: 1.5}
DEFAULT_LEVEL = 1.0
BASELINE = 0.02
LARGEST_CHANGE = 0.8
THRESHOLD = 0.6  # of the mixed features, from where a track rises
SHARPNESS = 4.0


@dataclass(frozen=True)
class Scene:
    """What is known of a window: where it starts, its features, its genes.

    `before` holds the reference's features in the scene of an alternate allele.
    """

    start: int
    features: Values
    genes: tuple[Gene, ...]
    before: Values | None = None

    @property
    def end(self) -> int:
        """The base after its last one."""
        return self.start + len(self.features)


def track_values(scene: Scene, output: int, tracks: Sequence[Track]) -> Values:
    """Return the values of `tracks` along the scene: shape (positions, tracks) at the output's resolution."""
    if output == pb.OUTPUT_TYPE_RNA_SEQ:
        return _expression_tracks(scene, tracks)
    if output in SPLICING:
        return _splicing_tracks(scene, output, tracks)
    if output == pb.OUTPUT_TYPE_CONTACT_MAPS:
        return contact_maps(scene, tracks)
    mixed = binned(scene.features, resolution(output)) @ weights_of(tracks)
    level = LEVELS.get(output, DEFAULT_LEVEL)
    peaks: Values = (level * np.log1p(np.exp(SHARPNESS * (mixed - THRESHOLD))) + BASELINE).astype(np.float32)
    return peaks


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
    usual = scene.features if scene.before is None else scene.before
    result = np.zeros((len(scene.genes), len(tracks)), np.float32)
    weights = weights_of(tracks)
    positions = np.arange(scene.start, scene.end, dtype=np.float32)
    for row, gene in enumerate(scene.genes):
        distance = np.abs(positions - np.float32(gene.tss))
        nearness = np.exp(-distance / REACH) / 1500 + np.exp(-distance / PROMOTER) / 100
        seen = nearness.astype(np.float32) @ usual
        level = 3 * np.tanh(seen @ weights / 3)
        if scene.before is not None:
            change = np.exp(-distance / REACH).astype(np.float32) @ (scene.features - scene.before)
            level = level + LARGEST_CHANGE * np.tanh(change @ weights)
        result[row] = np.exp(level) * _base_level(gene)
    return result


def _base_level(gene: Gene) -> np.float32:
    number = seed_of("level", gene.gene_id) % 1000
    return np.float32(0.2 + number / 400)


def _expression_tracks(scene: Scene, tracks: Sequence[Track]) -> Values:
    values = np.full((len(scene.features), len(tracks)), 0.003, np.float32)
    levels = expression(scene, tracks)
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
    strength = binned(scene.features, resolution(pb.OUTPUT_TYPE_CONTACT_MAPS)) @ weights_of(tracks)
    anchors = strength - strength.mean(axis=0, keepdims=True)
    distance = np.abs(np.subtract.outer(np.arange(len(anchors)), np.arange(len(anchors))))
    fading = np.exp(-distance / 40)[:, :, None].astype(np.float32)
    maps: Values = (anchors[:, None, :] * anchors[None, :, :] * fading).astype(np.float32)
    return maps
