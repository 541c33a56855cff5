"""The offline model's atlas: scores of the recommended scorers, computed when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from alphagenome.protos import atlas_service_pb2 as atlas
from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.offline import requests as checks
from workspace_api.alphagenome.offline.alleles import Edit, Window
from workspace_api.alphagenome.offline.catalogue import Track
from workspace_api.alphagenome.offline.model import Message, changes_of, scene_of
from workspace_api.alphagenome.offline.scene import Scene
from workspace_api.alphagenome.offline.scorers import Alleles, Scores, score_variant, scored_tracks
from workspace_api.genomes import CHROMOSOMES

WINDOW = 16_384  # bases around a variant that its scores look at
PAGE = 24  # variants in one answer to a list
LONGEST_LIST = 10_000  # bases of one list
FACTORY = {
    "ATAC": pb.OUTPUT_TYPE_ATAC,
    "DNASE": pb.OUTPUT_TYPE_DNASE,
    "CHIP_TF": pb.OUTPUT_TYPE_CHIP_TF,
    "CHIP_HISTONE": pb.OUTPUT_TYPE_CHIP_HISTONE,
    "CAGE": pb.OUTPUT_TYPE_CAGE,
    "PROCAP": pb.OUTPUT_TYPE_PROCAP,
}
WIDTHS = {"CHIP_HISTONE": 2001}
SCORER = re.compile(r'scores\.variant_scorer\.name = "([^"]*)"')
GENE = re.compile(r'gene_scorers\.metadata\.(gene_id|name) = "([^"]*)"')
TERM = re.compile(r"ontology_type = ONTOLOGY_TYPE_([A-Z]+) AND\s+scores\S+ontology_term\.id = (\d+)")


def _centre(name: str, aggregation: int) -> pb.VariantScorer:
    mask = pb.CenterMaskScorer(
        width=WIDTHS.get(name, 501), aggregation_type=aggregation, requested_output=FACTORY[name]
    )
    return pb.VariantScorer(center_mask=mask)


def _recommended() -> dict[str, tuple[pb.VariantScorer, bool]]:
    """Return the scorers that the client recommends, each with whether its scores have a sign."""
    changes = {name: (_centre(name, pb.AGGREGATION_TYPE_DIFF_LOG2_SUM), True) for name in FACTORY}
    active = {f"{name}_ACTIVE": (_centre(name, pb.AGGREGATION_TYPE_ACTIVE_SUM), False) for name in FACTORY}
    expression = {"requested_output": pb.OUTPUT_TYPE_RNA_SEQ}
    sites, usage = (
        pb.GeneMaskSplicingScorer(requested_output=output)
        for output in (pb.OUTPUT_TYPE_SPLICE_SITES, pb.OUTPUT_TYPE_SPLICE_SITE_USAGE)
    )
    return {
        **changes,
        "CONTACT_MAPS": (pb.VariantScorer(contact_map=pb.ContactMapScorer()), False),
        "RNA_SEQ": (pb.VariantScorer(gene_mask=pb.GeneMaskLFCScorer(**expression)), True),
        "RNA_SEQ_ACTIVE": (pb.VariantScorer(gene_mask_active=pb.GeneMaskActiveScorer(**expression)), False),
        "SPLICE_SITES": (pb.VariantScorer(gene_mask_splicing=sites), False),
        "SPLICE_SITE_USAGE": (pb.VariantScorer(gene_mask_splicing=usage), False),
        "SPLICE_JUNCTIONS": (pb.VariantScorer(splice_junction=pb.SpliceJunctionScorer()), False),
        "POLYADENYLATION": (pb.VariantScorer(pa_qtl=pb.PolyadenylationScorer()), False),
        **active,
    }


SCORERS: Mapping[str, tuple[pb.VariantScorer, bool]] = _recommended()


@dataclass(frozen=True)
class Filter:
    """What a question's filter keeps: scorers, and of genes and tissues those named, all where none is."""

    scorers: tuple[str, ...]
    genes: frozenset[str]
    terms: frozenset[str]

    @classmethod
    def read(cls, text: str) -> Filter:
        """Read a filter as the client writes it; refuses one that names no scorer, or an unknown one."""
        names = tuple(dict.fromkeys(SCORER.findall(text)))
        known = ", ".join(SCORERS)
        if unknown := [name for name in names if name not in SCORERS]:
            raise checks.refuse(f"filter: there is no scorer {unknown[0][:40]!r}. Use some of {known}.")
        if not names:
            raise checks.refuse(f"filter: name at least one scorer of {known}.")
        terms = frozenset(f"{prefix}:{int(number):07d}" for prefix, number in TERM.findall(text))
        return cls(names, frozenset(name for _, name in GENE.findall(text)), terms)


class OfflineAtlas:
    """Answers the atlas' calls; the same question has the same answer, everywhere and always."""

    def answer(self, method: str, request: bytes, field_mask: str) -> Iterator[Message]:
        """Yield the one message that answers a serialised request; raises CallRefused."""
        handlers: dict[str, tuple[Any, Callable[[Any, bool], Message]]] = {
            "ListDenseVariantScores": (atlas.ListDenseVariantScoresRequest, self.list_scores),
            "GetDenseVariantScores": (atlas.GetDenseVariantScoresRequest, self.get_scores),
            "ListVariantScoresMetadata": (atlas.ListVariantScoresMetadataRequest, self.list_metadata),
        }
        kind, handle = handlers[method]
        message = checks.read_message(kind, request)
        fields = {field.removeprefix("variant_") for field in field_mask.split(",") if field}
        whole = not fields or not fields.isdisjoint({"*", "scores", "scores.metadata"})
        yield handle(message, whole or any(field.startswith("scores.metadata.tracks") for field in fields))

    def list_metadata(self, request: Any, _tracks: bool) -> Message:
        """Return each scorer with its tracks."""
        organism = checks.organism_of(request.organism)
        answer = atlas.ListVariantScoresMetadataResponse()
        for name, (scorer, signed) in SCORERS.items():
            found = scored_tracks(scorer, organism, merge=True)
            answer.variant_scorer_metadata.add(
                variant_scorer=atlas.VariantScorerInfo(name=name, is_signed=signed),
                metadata=[atlas.Metadata(tracks=_described(found))],
            )
        return answer

    def get_scores(self, request: Any, tracks: bool) -> Message:
        """Return one variant's scores."""
        organism = checks.organism_of(request.organism)
        window = _around(organism, request.variant.chromosome, request.variant.position - 1)
        edit = checks.edit_of(request.variant, window)
        return _scores(window, scene_of(window), edit, request.variant, Filter.read(request.filter), tracks)

    def list_scores(self, request: Any, tracks: bool) -> Message:
        """Return the scores of every single-base change in an interval, page by page."""
        organism, wanted = checks.organism_of(request.organism), Filter.read(request.filter)
        stretch = _stretch(request.interval, organism)
        first = int(request.page_token) if request.page_token.isdecimal() else 0
        size = min(request.page_size or PAGE, PAGE)
        variants = list(changes_of(stretch))
        window = _around(organism, stretch.chromosome, (stretch.start + stretch.end) // 2)
        answer = atlas.ListDenseVariantScoresResponse(interval=_interval(stretch))
        plain: dict[int, tuple[Window, Scene]] = {}
        for variant in variants[first : first + size]:
            if variant.position - 1 not in plain:
                window = _around(organism, stretch.chromosome, variant.position - 1)
                plain = {variant.position - 1: (window, scene_of(window))}
            window, scene = plain[variant.position - 1]
            answer.variant_scores.append(
                _scores(window, scene, checks.edit_of(variant, window), variant, wanted, tracks)
            )
        if first + size < len(variants):
            answer.next_page_token = str(first + size)
        return answer


def _around(organism: int, chromosome: str, position: int) -> Window:
    """Return the window around a position, moved inside the chromosome where that ends."""
    known = CHROMOSOMES[checks.ASSEMBLIES[organism]]
    if chromosome not in known:
        raise checks.refuse(f"chromosome: there is no {chromosome[:40]!r}. Write it like chr22.")
    start = max(0, min(position - WINDOW // 2, known[chromosome] - WINDOW))
    return Window(organism, chromosome, start, start + WINDOW)


def _stretch(interval: pb.Interval, organism: int) -> Window:
    known = CHROMOSOMES[checks.ASSEMBLIES[organism]]
    end = min(interval.end, known.get(interval.chromosome, 0))
    if not 0 <= interval.start < end or end - interval.start > LONGEST_LIST:
        where = f"{interval.chromosome[:40]}:{interval.start}-{interval.end}"
        raise checks.refuse(
            f"interval: {where} must lie on a chromosome and hold 1 to {LONGEST_LIST:,} bases. Correct it."
        )
    return Window(organism, interval.chromosome, interval.start, end)


def _scores(
    window: Window, plain: Scene, edit: Edit, variant: pb.Variant, wanted: Filter, tracks: bool
) -> atlas.DenseVariantScores:
    answer = atlas.DenseVariantScores(variant=variant, interval=_interval(window))
    alleles = Alleles.of(window, edit, plain)
    for name in wanted.scorers:
        scorer, signed = SCORERS[name]
        scores = score_variant(alleles, scorer, merge=True)
        by_gene = (
            name not in FACTORY and name.removesuffix("_ACTIVE") not in FACTORY and name != "CONTACT_MAPS"
        )
        if wanted.genes and not by_gene:
            continue
        info = atlas.VariantScorerInfo(name=name, is_signed=signed)
        answer.scores.append(_dense(info, _kept(scores, wanted), by_gene=by_gene, tracks=tracks))
    return answer


def _kept(scores: Scores, wanted: Filter) -> Scores:
    """Return the rows of the genes and the columns of the tissues that are asked for."""
    rows = [
        at
        for at, row in enumerate(scores.rows)
        if not wanted.genes or (row.gene and {row.gene.gene_id, row.gene.name} & wanted.genes)
    ]
    columns = [
        at
        for at, track in enumerate(scores.tracks)
        if not wanted.terms or track.biosample is None or track.biosample.term in wanted.terms
    ]
    return Scores(
        tuple(scores.rows[at] for at in rows),
        tuple(scores.tracks[at] for at in columns),
        scores.values[np.ix_(rows, columns)],
    )


def _dense(
    info: atlas.VariantScorerInfo, scores: Scores, *, by_gene: bool, tracks: bool
) -> atlas.DenseVariantScore:
    values, quantiles = scores.planes()
    message = atlas.DenseVariantScore(
        variant_scorer=info,
        shape=values.shape,
        scores=np.ascontiguousarray(values, "<f4").tobytes(),
        calibrated_scores=np.ascontiguousarray(quantiles, "<f4").tobytes(),
    )
    if by_gene:
        genes = atlas.GeneScorersMetadata(metadata=[row.proto() for row in scores.rows])
        message.metadata.append(atlas.Metadata(gene_scorers=genes))
    if tracks:
        message.metadata.append(atlas.Metadata(tracks=_described(scores.tracks)))
    return message


def _described(found: tuple[Track, ...]) -> pb.TracksMetadata:
    return pb.TracksMetadata(metadata=[track.proto() for track in found])


def _interval(window: Window) -> pb.Interval:
    none = pb.STRAND_UNSTRANDED
    return pb.Interval(chromosome=window.chromosome, start=window.start, end=window.end, strand=none)
