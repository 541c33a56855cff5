"""Which column of a table is which, by the names that people give them in English and Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

ALIASES = {
    "chromosome": "chromosome chrom chr chrname seqnames contig 染色体 染色体号 染色体编号",
    "position": "position pos bp start startposition basepairlocation 位置 坐标 起始位置 物理位置 染色体位置",
    "reference": "reference ref refallele referenceallele referencebases refbase 参考 参考碱基 参考等位基因 "
    "参考序列 参考基因型",
    "alternate": "alternate alt altallele alternateallele alternatebases alternative altbase mutant 替代 "
    "替代碱基 替代等位基因 变异碱基 突变碱基 突变等位基因 突变型 变异等位基因",
    "variant": "variant variantid variantname mutation 变异 变异位点 突变 突变位点",
    "name": "id name rsid rs snp snpid dbsnp 名称 编号 标识",
    "gene": "gene genename genesymbol symbol hgnc 基因 基因名 基因名称 基因符号",
    "assembly": "assembly build genome genomebuild referencegenome 基因组版本 参考基因组",
}
MEANING = {alias: column for column, aliases in ALIASES.items() for alias in aliases.split()}
ALLELES = ("chromosome", "position", "reference", "alternate")


def columns_of(header: Sequence[str]) -> dict[str, int]:
    """Return the place of each column that is known by its name; the first of two of one meaning counts."""
    found: dict[str, int] = {}
    for index, cell in enumerate(header):
        name = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", cell).lower())
        if name in MEANING:
            found.setdefault(MEANING[name], index)
    return found


def is_enough(columns: dict[str, int]) -> bool:
    """Whether variants can be read from these columns."""
    return "variant" in columns or all(column in columns for column in ALLELES)
