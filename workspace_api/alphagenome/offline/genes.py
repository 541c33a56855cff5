"""The genes of the offline model: well-known ones near their true places, made-up ones in between."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from workspace_api.alphagenome.offline.catalogue import HUMAN
from workspace_api.alphagenome.offline.sequence import mix, seed_of

SPACING = 100_000
EXON = 160


@dataclass(frozen=True)
class Gene:
    """A gene with its exons; start and end from 0, end not included. Exons are made up for every gene."""

    gene_id: str
    name: str
    chromosome: str
    start: int
    end: int
    forward: bool

    @property
    def tss(self) -> int:
        """Where transcription starts."""
        return self.start if self.forward else self.end - 1

    @property
    def exons(self) -> tuple[tuple[int, int], ...]:
        """Exons from left to right, evenly spaced from the gene's start to its end."""
        count = min(max(2, (self.end - self.start) // 3000), 12)
        starts = np.linspace(self.start, self.end - EXON, count).astype(int)
        return tuple((int(start), int(start) + EXON) for start in starts)


def _gene(number: int, name: str, chromosome: str, start: int, end: int, strand: str) -> Gene:
    return Gene(f"ENSG{number:011d}", name, chromosome, start, end, strand == "+")


# Places in hg38 to about a kilobase; names and identifiers as in Ensembl.
KNOWN = (
    _gene(100342, "APOL1", "chr22", 36_253_071, 36_267_530, "+"),
    _gene(128335, "APOL2", "chr22", 36_226_209, 36_239_954, "-"),
    _gene(100336, "APOL4", "chr22", 36_189_128, 36_204_840, "-"),
    _gene(128284, "APOL3", "chr22", 36_140_330, 36_166_177, "-"),
    _gene(100345, "MYH9", "chr22", 36_281_280, 36_388_010, "-"),
    _gene(197408, "CYP2B6", "chr19", 40_991_282, 41_018_398, "+"),
    _gene(130203, "APOE", "chr19", 44_905_791, 44_909_393, "+"),
    _gene(130164, "LDLR", "chr19", 11_089_462, 11_133_820, "+"),
    _gene(162367, "TAL1", "chr1", 47_216_290, 47_232_220, "-"),
    _gene(134243, "SORT1", "chr1", 109_309_568, 109_397_940, "-"),
    _gene(119866, "BCL11A", "chr2", 60_450_520, 60_554_467, "-"),
    _gene(181449, "SOX2", "chr3", 181_711_925, 181_714_436, "+"),
    _gene(146648, "EGFR", "chr7", 55_019_017, 55_211_628, "+"),
    _gene(75624, "ACTB", "chr7", 5_526_409, 5_563_902, "-"),
    _gene(1626, "CFTR", "chr7", 117_287_120, 117_715_971, "+"),
    _gene(136997, "MYC", "chr8", 127_735_434, 127_742_951, "+"),
    _gene(171862, "PTEN", "chr10", 87_862_638, 87_971_930, "+"),
    _gene(244734, "HBB", "chr11", 5_225_464, 5_229_395, "-"),
    _gene(111640, "GAPDH", "chr12", 6_534_405, 6_538_375, "+"),
    _gene(133703, "KRAS", "chr12", 25_205_246, 25_250_929, "-"),
    _gene(141510, "TP53", "chr17", 7_661_779, 7_687_546, "-"),
    _gene(12048, "BRCA1", "chr17", 43_044_295, 43_125_483, "-"),
)


def genes_in(organism: int, chromosome: str, start: int, end: int) -> tuple[Gene, ...]:
    """Return the genes of which a part lies in a stretch, from left to right."""
    known = [g for g in KNOWN if organism == HUMAN and g.chromosome == chromosome]
    made = [
        _made_up(organism, chromosome, slot)
        for slot in range(max(start // SPACING - 1, 0), end // SPACING + 1)
    ]
    free = [g for g in made if all(g.end < k.start or g.start > k.end for k in known)]
    return tuple(
        sorted((g for g in (*known, *free) if g.start < end and g.end > start), key=lambda g: g.start)
    )


@functools.lru_cache(maxsize=4096)
def _made_up(organism: int, chromosome: str, slot: int) -> Gene:
    numbers = mix(
        np.arange(3, dtype=np.uint64) + np.uint64(seed_of("gene", organism, chromosome, slot) % 2**63)
    )
    start = slot * SPACING + int(numbers[0] % np.uint64(60_000))
    length = 3_000 + int(numbers[1] % np.uint64(30_000))
    name = f"SYN-{chromosome.removeprefix('chr')}-{slot}"
    return Gene(f"{name}-synthetic", name, chromosome, start, start + length, bool(numbers[2] % np.uint64(2)))
