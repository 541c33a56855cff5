"""The genomes the model knows, and the refusal of every other one."""

from __future__ import annotations

from collections.abc import Mapping

HG38 = {
    "chr1": 248_956_422, "chr2": 242_193_529, "chr3": 198_295_559, "chr4": 190_214_555,
    "chr5": 181_538_259, "chr6": 170_805_979, "chr7": 159_345_973, "chr8": 145_138_636,
    "chr9": 138_394_717, "chr10": 133_797_422, "chr11": 135_086_622, "chr12": 133_275_309,
    "chr13": 114_364_328, "chr14": 107_043_718, "chr15": 101_991_189, "chr16": 90_338_345,
    "chr17": 83_257_441, "chr18": 80_373_285, "chr19": 58_617_616, "chr20": 64_444_167,
    "chr21": 46_709_983, "chr22": 50_818_468, "chrX": 156_040_895, "chrY": 57_227_415,
    "chrM": 16_569,
}  # fmt: skip
MM10 = {
    "chr1": 195_471_971, "chr2": 182_113_224, "chr3": 160_039_680, "chr4": 156_508_116,
    "chr5": 151_834_684, "chr6": 149_736_546, "chr7": 145_441_459, "chr8": 129_401_213,
    "chr9": 124_595_110, "chr10": 130_694_993, "chr11": 122_082_543, "chr12": 120_129_022,
    "chr13": 120_421_639, "chr14": 124_902_244, "chr15": 104_043_685, "chr16": 98_207_768,
    "chr17": 94_987_271, "chr18": 90_702_639, "chr19": 61_431_566, "chrX": 171_031_299,
    "chrY": 91_744_698, "chrM": 16_299,
}  # fmt: skip

CHROMOSOMES: dict[str, dict[str, int]] = {"hg38": HG38, "mm10": MM10}
SAME = {"hg38": "hg38", "grch38": "hg38", "mm10": "mm10", "grcm38": "mm10"}
# Lengths of chromosome 1 elsewhere, by which a file says that it belongs there.
ELSEWHERE = {249_250_621: "hg19", 247_249_719: "hg18", 248_387_328: "T2T-CHM13", 195_154_279: "mm39"}


class LiftoverError(ValueError):
    """Positions belong to a genome that the model does not know; the message says how to convert them."""


def check_assembly(name: str) -> str:
    """Return ``hg38`` or ``mm10`` for the name of an assembly, such as ``GRCh38.p13``.

    Raises LiftoverError for every other one.
    """
    plain = name.strip().lower().split(".")[0]
    if plain not in SAME:
        raise refusal(name.strip() or "an assembly without a name")
    return SAME[plain]


def liftover(*_: object, source: str = "hg19", target: str = "hg38") -> None:
    """Raise LiftoverError: converting positions needs a chain file and is not done here."""
    raise refusal(source, target)


def refusal(source: str, target: str = "hg38") -> LiftoverError:
    """Return the error that says that positions of ``source`` are not converted, and what converts them."""
    return LiftoverError(
        f"These positions belong to {source}; the model knows hg38 (GRCh38) and mm10 (GRCm38). "
        f"Positions are not converted here, since a wrong conversion would go unseen. Convert the file to "
        f"{target} first, with UCSC liftOver, CrossMap or bcftools +liftover, and load the result."
    )


def belongs_elsewhere(lengths: Mapping[str, int]) -> str | None:
    """Return the name of the assembly that a file's chromosome lengths give away, if it is another one."""
    first = lengths.get("chr1") or lengths.get("1")
    return ELSEWHERE.get(first or 0)


def chromosome_name(text: str, assembly: str = "hg38") -> str | None:
    """Return the chromosome's name as the model writes it (``chr22``), None for one that it does not know.

    Understood are ``22``, ``Chr22``, ``22.0`` (a number that Excel touched), ``MT`` and ``chr23`` (X).
    """
    bare = text.strip().lower().removeprefix("chromosome").removeprefix("chr").removesuffix(".0").strip()
    sexes = {"23": "X", "24": "Y"} if assembly == "hg38" else {"20": "X", "21": "Y"}
    named = {"mt": "M", "m": "M", "x": "X", "y": "Y", **sexes}.get(bare, bare)
    name = f"chr{named}"
    return name if name in CHROMOSOMES[assembly] else None
