"""Chromosomes of the two genome assemblies that AlphaGenome knows, and the window lengths it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SUPPORTED_LENGTHS = (16_384, 131_072, 524_288, 1_048_576)

# Lengths in base pairs of the primary chromosomes: GRCh38 (hg38) and GRCm38 (mm10).
_HG38 = {
    "chr1": 248_956_422, "chr2": 242_193_529, "chr3": 198_295_559, "chr4": 190_214_555,
    "chr5": 181_538_259, "chr6": 170_805_979, "chr7": 159_345_973, "chr8": 145_138_636,
    "chr9": 138_394_717, "chr10": 133_797_422, "chr11": 135_086_622, "chr12": 133_275_309,
    "chr13": 114_364_328, "chr14": 107_043_718, "chr15": 101_991_189, "chr16": 90_338_345,
    "chr17": 83_257_441, "chr18": 80_373_285, "chr19": 58_617_616, "chr20": 64_444_167,
    "chr21": 46_709_983, "chr22": 50_818_468, "chrX": 156_040_895, "chrY": 57_227_415,
    "chrM": 16_569,
}  # fmt: skip
_MM10 = {
    "chr1": 195_471_971, "chr2": 182_113_224, "chr3": 160_039_680, "chr4": 156_508_116,
    "chr5": 151_834_684, "chr6": 149_736_546, "chr7": 145_441_459, "chr8": 129_401_213,
    "chr9": 124_595_110, "chr10": 130_694_993, "chr11": 122_082_543, "chr12": 120_129_022,
    "chr13": 120_421_639, "chr14": 124_902_244, "chr15": 104_043_685, "chr16": 98_207_768,
    "chr17": 94_987_271, "chr18": 90_702_639, "chr19": 61_431_566, "chrX": 171_031_299,
    "chrY": 91_744_698, "chrM": 16_299,
}  # fmt: skip

CHROMOSOMES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {"hg38": MappingProxyType(_HG38), "mm10": MappingProxyType(_MM10)}
)
