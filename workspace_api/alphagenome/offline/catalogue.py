"""The tracks of the offline model: as many of each kind as AlphaGenome documents, each marked synthetic."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alphagenome.protos.v1 import dna_model_pb2 as pb

from workspace_api.alphagenome.offline.biosamples import Biosample, biosample

SOURCE = "synthetic (Labfork offline model)"
MARK = "[synthetic]"
HUMAN, MOUSE = pb.ORGANISM_HOMO_SAPIENS, pb.ORGANISM_MUS_MUSCULUS

# Tracks by output type, human and mouse: AlphaGenome's documentation, table 1.
COUNTS: dict[int, tuple[int, int]] = {
    pb.OUTPUT_TYPE_ATAC: (167, 18),
    pb.OUTPUT_TYPE_CAGE: (546, 188),
    pb.OUTPUT_TYPE_DNASE: (305, 67),
    pb.OUTPUT_TYPE_RNA_SEQ: (667, 173),
    pb.OUTPUT_TYPE_CHIP_HISTONE: (1116, 183),
    pb.OUTPUT_TYPE_CHIP_TF: (1617, 127),
    pb.OUTPUT_TYPE_SPLICE_SITES: (4, 4),
    pb.OUTPUT_TYPE_SPLICE_SITE_USAGE: (734, 180),
    pb.OUTPUT_TYPE_SPLICE_JUNCTIONS: (367, 90),
    pb.OUTPUT_TYPE_CONTACT_MAPS: (28, 8),
    pb.OUTPUT_TYPE_PROCAP: (12, 0),
}
RESOLUTIONS: dict[int, int] = {
    pb.OUTPUT_TYPE_CHIP_HISTONE: 128,
    pb.OUTPUT_TYPE_CHIP_TF: 128,
    pb.OUTPUT_TYPE_CONTACT_MAPS: 2048,
}
STRANDED = (pb.OUTPUT_TYPE_CAGE, pb.OUTPUT_TYPE_PROCAP, pb.OUTPUT_TYPE_SPLICE_SITE_USAGE)
ASSAYS = {
    pb.OUTPUT_TYPE_ATAC: "ATAC-seq",
    pb.OUTPUT_TYPE_CAGE: "hCAGE",
    pb.OUTPUT_TYPE_DNASE: "DNase-seq",
    pb.OUTPUT_TYPE_CHIP_HISTONE: "Histone ChIP-seq",
    pb.OUTPUT_TYPE_CHIP_TF: "TF ChIP-seq",
    pb.OUTPUT_TYPE_SPLICE_SITE_USAGE: "splice site usage",
    pb.OUTPUT_TYPE_SPLICE_JUNCTIONS: "splice junctions",
    pb.OUTPUT_TYPE_CONTACT_MAPS: "Hi-C",
    pb.OUTPUT_TYPE_PROCAP: "PRO-cap",
}
RNA_ASSAYS = ("polyA plus RNA-seq", "total RNA-seq")
MARKS = ("H3K4me3", "H3K27ac", "H3K4me1", "H3K36me3", "H3K27me3", "H3K9me3", "H3K9ac", "H4K20me1")
FACTORS = ("CTCF", "POLR2A", "RAD21", "EP300", "MYC", "JUND", "REST", "MAX", "YY1", "GATA1", "SPI1", "CEBPB")
CTCF_EVERY = 4  # every fourth TF track is CTCF, as it is the most often measured factor
POSITIVE, NEGATIVE, NEITHER = pb.STRAND_POSITIVE, pb.STRAND_NEGATIVE, pb.STRAND_UNSTRANDED


@dataclass(frozen=True)
class Track:
    """One track: its name and strand, its biosample, and what was measured; `index` seeds its weights."""

    index: int
    output: int
    name: str
    strand: int
    biosample: Biosample | None
    assay: str = ""
    mark: str = ""
    factor: str = ""

    def proto(self) -> pb.TrackMetadata:
        """Return the track's metadata as the client reads it."""
        message = pb.TrackMetadata(name=self.name, strand=self.strand, data_source=SOURCE, nonzero_mean=1.0)
        if self.assay:
            message.assay = self.assay
        if self.mark:
            message.histone_mark_code = self.mark
        if self.factor:
            message.transcription_factor_code = self.factor
        if self.biosample is not None:
            _describe(message, self.biosample)
        return message

    def junction_proto(self) -> pb.JunctionMetadata:
        """Return the metadata of a junction track."""
        message = pb.JunctionMetadata(name=self.name, data_source=SOURCE, assay=self.assay)
        if self.biosample is not None:
            _describe(message, self.biosample)
        return message


@functools.lru_cache(maxsize=64)
def tracks(output: int, organism: int) -> tuple[Track, ...]:
    """Return the tracks of an output type; none for one that the organism does not have."""
    count = COUNTS[output][0 if organism == HUMAN else 1]
    return tuple(_generate(output, count))


def select(output: int, organism: int, terms: Sequence[str]) -> tuple[Track, ...]:
    """Return the tracks of these ontology terms, all of them where none is named.

    Tracks without a biosample, such as splice sites, are always there.
    """
    found = tracks(output, organism)
    if not terms:
        return found
    wanted = frozenset(terms)
    return tuple(track for track in found if track.biosample is None or track.biosample.term in wanted)


@functools.lru_cache(maxsize=2)
def known_terms(organism: int) -> frozenset[str]:
    """Return the ontology terms that any track of an organism has."""
    found = (track.biosample for output in COUNTS for track in tracks(output, organism))
    return frozenset(biosample.term for biosample in found if biosample is not None)


def merged(found: Sequence[Track]) -> tuple[Track, ...]:
    """Return tracks with the two strands of each counted as one."""
    firsts = {track.name: track for track in reversed(found)}
    names = dict.fromkeys(track.name for track in found)
    return tuple(
        Track(t.index, t.output, t.name, NEITHER, t.biosample, t.assay, t.mark, t.factor)
        for t in (firsts[name] for name in names)
    )


def resolution(output: int) -> int:
    """Return the bases that one value stands for."""
    return RESOLUTIONS.get(output, 1)


def _generate(output: int, count: int) -> Iterator[Track]:
    if output == pb.OUTPUT_TYPE_SPLICE_SITES:
        for index, (kind, strand) in enumerate(
            (k, s) for s in (POSITIVE, NEGATIVE) for k in ("donor", "acceptor")
        ):
            yield Track(index, output, f"{kind} {MARK}", strand, None)
        return
    made, sample = 0, 0
    while made < count:
        for track in _of_biosample(output, sample, made, count):
            yield track
            made += 1
        sample += 1


def _of_biosample(output: int, sample: int, made: int, count: int) -> list[Track]:
    """Return the tracks of the next biosample: both strands where the assay has strands."""
    if output == pb.OUTPUT_TYPE_CHIP_HISTONE:
        chosen = biosample(sample // len(MARKS))
        mark = MARKS[sample % len(MARKS)]
        return [_track(made, output, chosen, f"Histone ChIP-seq {mark}", NEITHER, mark=mark)]
    if output == pb.OUTPUT_TYPE_CHIP_TF:
        factor = "CTCF" if sample % CTCF_EVERY == 0 else FACTORS[1 + sample % (len(FACTORS) - 1)]
        chosen = biosample(sample // CTCF_EVERY)
        return [_track(made, output, chosen, f"TF ChIP-seq {factor}", NEITHER, factor=factor)]
    chosen, assay = biosample(sample), ASSAYS.get(output, RNA_ASSAYS[sample % len(RNA_ASSAYS)])
    stranded = output in STRANDED or (output == pb.OUTPUT_TYPE_RNA_SEQ and sample % 5 != 4)
    if stranded and count - made >= 2:
        return [_track(made + i, output, chosen, assay, s) for i, s in enumerate((POSITIVE, NEGATIVE))]
    return [_track(made, output, chosen, assay, NEITHER)]


def _track(
    index: int, output: int, chosen: Biosample, assay: str, strand: int, *, mark: str = "", factor: str = ""
) -> Track:
    name = f"{chosen.term} {assay} {MARK}"
    return Track(index, output, name, strand, chosen, assay, mark, factor)


def _describe(message: pb.TrackMetadata | pb.JunctionMetadata, chosen: Biosample) -> None:
    prefix, number = chosen.term.split(":")
    message.ontology_term.ontology_type = pb.OntologyType.Value(f"ONTOLOGY_TYPE_{prefix}")
    message.ontology_term.id = int(number)
    message.biosample.name = chosen.name
    message.biosample.type = pb.BiosampleType.Value(f"BIOSAMPLE_TYPE_{chosen.kind}")
