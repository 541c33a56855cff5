"""Scores of variants and intervals, in the layout of AlphaGenome's scorers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from alphagenome.protos.v1 import dna_model_pb2 as pb
from numpy.typing import NDArray

from workspace_api.alphagenome.offline.alleles import Edit, Window, base_replaced, replaced
from workspace_api.alphagenome.offline.catalogue import Track, merged, resolution, tracks
from workspace_api.alphagenome.offline.features import Values
from workspace_api.alphagenome.offline.genes import Gene
from workspace_api.alphagenome.offline.scene import Scene
from workspace_api.alphagenome.offline.signal import (
    contact_row,
    expression,
    junctions,
    site_strength,
    splice_sites,
    track_blocks,
    track_values,
)

PROMOTER = 1_000
SMALL = 1e-3
BLOCK_BYTES = 8_000_000
MERGED = ("gene_mask", "gene_mask_active", "gene_mask_splicing", "pa_qtl")
FIXED_OUTPUTS: dict[str, int] = {  # of the scorers that are made for one output type
    "contact_map": pb.OUTPUT_TYPE_CONTACT_MAPS,
    "splice_junction": pb.OUTPUT_TYPE_SPLICE_JUNCTIONS,
    "pa_qtl": pb.OUTPUT_TYPE_RNA_SEQ,
}

# How an aggregation scales values before it sums them, and what it makes of the sums before and after the
# change, the sum of squared differences, and the number of bins.
SCALES: dict[int, Callable[[Values], Values]] = {
    pb.AGGREGATION_TYPE_DIFF_SUM_LOG2: lambda values: np.log2(values + 1),
    pb.AGGREGATION_TYPE_L2_DIFF_LOG1P: np.log1p,
}
REDUCTIONS: dict[int, Callable[..., NDArray[np.float64]]] = {
    pb.AGGREGATION_TYPE_DIFF_MEAN: lambda before, after, _, bins: (after - before) / bins,
    pb.AGGREGATION_TYPE_DIFF_SUM: lambda before, after, *_: after - before,
    pb.AGGREGATION_TYPE_DIFF_SUM_LOG2: lambda before, after, *_: after - before,
    pb.AGGREGATION_TYPE_DIFF_LOG2_SUM: lambda before, after, *_: np.log2(after + 1) - np.log2(before + 1),
    pb.AGGREGATION_TYPE_L2_DIFF: lambda _before, _after, squares, _bins: np.sqrt(squares),
    pb.AGGREGATION_TYPE_L2_DIFF_LOG1P: lambda _before, _after, squares, _bins: np.sqrt(squares),
    pb.AGGREGATION_TYPE_ACTIVE_MEAN: lambda before, after, _, bins: np.maximum(before, after) / bins,
    pb.AGGREGATION_TYPE_ACTIVE_SUM: lambda before, after, *_: np.maximum(before, after),
}


@dataclass(frozen=True)
class Row:
    """What a row of scores stands for: a gene, perhaps one junction of it, or nothing but the variant."""

    gene: Gene | None = None
    junction: tuple[int, int] | None = None

    def proto(self) -> pb.GeneScorerMetadata:
        """Return the row's metadata as the client reads it."""
        if self.gene is None:
            raise ValueError("a row without a gene has no metadata")
        strand = pb.STRAND_POSITIVE if self.gene.forward else pb.STRAND_NEGATIVE
        message = pb.GeneScorerMetadata(gene_id=self.gene.gene_id, name=self.gene.name, strand=strand)
        message.type = "protein_coding"
        if self.junction is not None:
            message.junction_start, message.junction_end = self.junction
        return message


@dataclass(frozen=True)
class Scores:
    """Scores of shape (rows, tracks)."""

    rows: tuple[Row, ...]
    tracks: tuple[Track, ...]
    values: Values

    def planes(self) -> Values:
        """Return the scores with their quantiles as a second plane: shape (2, rows, tracks)."""
        quantiles = np.sign(self.values) * (1 - np.exp(-3 * np.abs(self.values)))
        return np.stack([self.values, quantiles]).astype(np.float32)


@dataclass(frozen=True)
class Alleles:
    """A variant inside a window, with the scene of either allele."""

    window: Window
    edit: Edit
    ref: Scene
    alt: Scene

    @classmethod
    def of(cls, window: Window, edit: Edit, plain: Scene) -> Alleles:
        """Compute both scenes from the `plain` one, which holds the genome's own bases."""
        before = replaced(plain.features, window, edit, edit.reference)
        ref = plain if before is plain.features else Scene(window.start, before, plain.genes)
        after = replaced(plain.features, window, edit, edit.alternate)
        return cls(window, edit, ref, Scene(window.start, after, plain.genes, ref))

    @classmethod
    def beside(cls, window: Window, edit: Edit, plain: Scene, held: Edit) -> Alleles:
        """Compute the scene of one more changed base; `plain` holds the variant `held` already."""
        after = base_replaced(plain.features, window, edit, held)
        return cls(window, edit, plain, Scene(window.start, after, plain.genes, plain))


def score_variant(alleles: Alleles, scorer: pb.VariantScorer, *, merge: bool) -> Scores:
    """Return the scores that one scorer gives."""
    kind = str(scorer.WhichOneof("scorer"))
    chosen = scored_tracks(scorer, alleles.window.organism, merge=merge)
    if kind == "center_mask":
        return _center_mask(alleles, scorer.center_mask, chosen)
    if kind == "contact_map":
        return _contact_map(alleles, chosen)
    if kind == "splice_junction":
        return _splice_junction(alleles, chosen)
    return _gene_bound(alleles, kind, _scored_output(scorer), chosen)


def scored_tracks(scorer: pb.VariantScorer, organism: int, *, merge: bool) -> tuple[Track, ...]:
    """Return the tracks that a scorer scores; those of genes with `merge` once for both strands."""
    found = tracks(_scored_output(scorer), organism)
    return merged(found) if merge and scorer.WhichOneof("scorer") in MERGED else found


def _scored_output(scorer: pb.VariantScorer) -> int:
    kind = str(scorer.WhichOneof("scorer"))
    fixed = FIXED_OUTPUTS.get(kind)
    return int(getattr(scorer, kind).requested_output) if fixed is None else fixed


def score_interval(scene: Scene, scorer: pb.GeneMaskIntervalScorer, organism: int, *, merge: bool) -> Scores:
    """Return the level of each gene that begins within the scorer's width around the middle."""
    found = tracks(scorer.requested_output, organism)
    chosen = merged(found) if merge else found
    middle, half = (scene.start + scene.end) // 2, (scorer.width or len(scene.features)) // 2
    genes = tuple(g for g in scene.genes if abs(g.tss - middle) <= half)
    values = _gene_levels(Scene(scene.start, scene.features, genes), scorer.requested_output, chosen)
    if scorer.aggregation_type == pb.INTERVAL_AGGREGATION_TYPE_SUM:
        lengths = [sum(end - begin for begin, end in gene.exons) for gene in genes]
        values = values * np.array(lengths, np.float32).reshape(-1, 1)
    return Scores(tuple(Row(gene) for gene in genes), chosen, values)


def _center_mask(alleles: Alleles, scorer: pb.CenterMaskScorer, chosen: tuple[Track, ...]) -> Scores:
    """Return one row of scores; the mask may be the whole window, so its tracks are computed in blocks."""
    output = scorer.requested_output
    middle, half = alleles.edit.start, scorer.width // 2
    wanted = (middle - half, middle + half + 1) if scorer.width else (alleles.ref.start, alleles.ref.end)
    span = _whole_bins(alleles.ref, wanted, resolution(output))
    ref, alt = (
        track_blocks(scene, output, chosen, BLOCK_BYTES, span) for scene in (alleles.ref, alleles.alt)
    )
    bins = (span[1] - span[0]) // resolution(output)
    return Scores((Row(),), chosen, _aggregate(ref, alt, bins, scorer.aggregation_type)[None, :])


def _whole_bins(scene: Scene, span: tuple[int, int], step: int) -> tuple[int, int]:
    """Return the bins of `step` bases that a span touches inside the scene; one at least."""
    begin = max(span[0] - scene.start, 0) // step * step
    end = -(-min(span[1] - scene.start, len(scene.features)) // step) * step
    return scene.start + begin, scene.start + max(end, begin + step)


def _aggregate(ref: Iterable[Values], alt: Iterable[Values], bins: int, kind: int) -> Values:
    """Reduce both alleles' values along positions, as the aggregation's name says; shape (tracks,)."""
    scale = SCALES.get(kind, np.asarray)
    before = after = squares = np.float64(0)
    for left, right in zip(ref, alt, strict=True):
        scaled = scale(left), scale(right)
        before = before + scaled[0].sum(axis=0, dtype=np.float64)
        after = after + scaled[1].sum(axis=0, dtype=np.float64)
        squares = squares + ((scaled[1] - scaled[0]) ** 2).sum(axis=0, dtype=np.float64)
    score: NDArray[np.float64] = REDUCTIONS[kind](before, after, squares, bins)
    return score.astype(np.float32)


def _gene_bound(alleles: Alleles, kind: str, output: int, chosen: tuple[Track, ...]) -> Scores:
    genes = alleles.ref.genes
    rows = tuple(Row(gene) for gene in genes)
    if kind == "gene_mask_splicing":
        return Scores(rows, chosen, _splicing_change(alleles, output, chosen))
    ref, alt = (_gene_levels(scene, output, chosen) for scene in (alleles.ref, alleles.alt))
    if kind == "gene_mask_active":
        return Scores(rows, chosen, np.maximum(ref, alt))
    change = np.log((alt + SMALL) / (ref + SMALL)).astype(np.float32)
    if kind == "pa_qtl":
        change = (np.abs(change) / math.log(2)).astype(np.float32)
    return Scores(rows, chosen, change)


def _gene_levels(scene: Scene, output: int, chosen: Sequence[Track]) -> Values:
    """Return each gene's level in each track: its expression, or the signal around its start."""
    if output == pb.OUTPUT_TYPE_RNA_SEQ:
        return expression(scene, chosen)
    levels = np.zeros((len(scene.genes), len(chosen)), np.float32)
    for row, gene in enumerate(scene.genes):
        begin, end = gene.tss - PROMOTER, gene.tss + PROMOTER
        if begin < scene.end and end > scene.start:
            part = scene.cut(*_whole_bins(scene, (begin, end), resolution(output)))
            levels[row] = track_values(part, output, chosen).mean(axis=0)
    return levels


def _splicing_change(alleles: Alleles, output: int, chosen: tuple[Track, ...]) -> Values:
    """Return the largest change of any splice site of each gene, on the tracks of its strand."""
    values = np.zeros((len(alleles.ref.genes), len(chosen)), np.float32)
    usage = output == pb.OUTPUT_TYPE_SPLICE_SITE_USAGE
    for row, gene in enumerate(alleles.ref.genes):
        strand = pb.STRAND_POSITIVE if gene.forward else pb.STRAND_NEGATIVE
        for position, kind in splice_sites(gene):
            change = abs(site_strength(alleles.alt, position) - site_strength(alleles.ref, position))
            heard = [
                t.strand in (strand, pb.STRAND_UNSTRANDED) and (usage or t.name.startswith(kind))
                for t in chosen
            ]
            values[row, heard] = np.maximum(values[row, heard], change)
    return values


def _splice_junction(alleles: Alleles, chosen: tuple[Track, ...]) -> Scores:
    found, ref = junctions(alleles.ref, chosen)
    _, alt = junctions(alleles.alt, chosen)
    rows = tuple(Row(gene, (begin, end)) for begin, end, _, gene in found)
    return Scores(rows, chosen, np.abs(np.log((alt + SMALL) / (ref + SMALL))).astype(np.float32))


def _contact_map(alleles: Alleles, chosen: tuple[Track, ...]) -> Scores:
    step = resolution(pb.OUTPUT_TYPE_CONTACT_MAPS)
    at = min(alleles.edit.start - alleles.window.start, alleles.window.width - 1) // step
    ref, alt = (contact_row(scene, chosen, at) for scene in (alleles.ref, alleles.alt))
    return Scores((Row(),), chosen, np.abs(alt - ref).mean(axis=0)[None, :].astype(np.float32))
