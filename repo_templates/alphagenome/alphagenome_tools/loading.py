"""Variants and regions out of the files people have: CSV, TSV, Excel, VCF, BED."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphagenome.data import genome

from alphagenome_tools.assemblies import belongs_elsewhere, check_assembly, chromosome_name, refusal
from alphagenome_tools.columns import ALLELES, columns_of, is_enough, missing
from alphagenome_tools.problems import Problem, TableError
from alphagenome_tools.regions import parse_variant
from alphagenome_tools.sheets import EXCEL_ENDINGS, Row, plain, read_sheet, read_text
from alphagenome_tools.variants import Cells, Variants, checked, gather

CONTIG = re.compile(r"##contig=<.*?ID=([^,>]+).*?length=(\d+)", re.IGNORECASE)
REFERENCE = re.compile(
    r"##(?:reference|assembly)=.*?(hg1[89]|grch3[67]|b37|hs37|hg38|grch38|t2t|chm13)", re.I
)
BED_COMMENTS = ("#", "track", "browser")
BED_PLACES = 3


def load_variants(
    filepath: str | Path, *, assembly: str = "hg38", sheet: str | None = None, strict: bool = False
) -> Variants:
    """Return the variants of a VCF (also gzipped), BED, CSV, TSV or Excel file; its ending says which.

    Rows that cannot be used are left out and told in ``problems``, each with its number. Positions of another
    assembly are refused. With ``strict`` any such row is an error.

    Raises TableError when the file cannot be read or holds no variant, and LiftoverError.
    """
    file = Path(filepath)
    name = file.name.lower().removesuffix(".gz").removesuffix(".bgz")
    if name.endswith(".vcf"):
        found = gather(_vcf_rows(file), assembly, "VCF")
    elif name.endswith(".bed"):
        found = gather(_bed_rows(file), assembly, "BED")
    elif name.endswith((".csv", ".tsv", ".tab", ".txt", ".xls", *EXCEL_ENDINGS)):
        return load_variants_from_csv(file, assembly=assembly, sheet=sheet, strict=strict)
    else:
        raise TableError(f"{file.name}: its ending is none of .vcf, .vcf.gz, .bed, .csv, .tsv, .txt, .xlsx.")
    return checked(found, file.name, strict=strict)


def load_variants_from_csv(
    filepath: str | Path, *, assembly: str = "hg38", sheet: str | None = None, strict: bool = False
) -> Variants:
    """Return the variants of a table: a CSV, TSV or Excel file as people export them.

    Its columns are chromosome, position, reference and alternate under their usual English or Chinese
    names, or one column ``variant`` with values such as ``chr22:36201698:A>C``; ``name`` and ``gene`` are
    kept. A file without a header has these four columns, or that one. See :func:`load_variants` for the rest.
    """
    file = Path(filepath)
    sheet_read = read_sheet(file, sheet)
    if not sheet_read.rows:
        raise TableError(f"{file.name} is empty.")
    columns, body = _header(sheet_read.rows, file.name)
    rows = ((number, _named(cells, columns)) for number, cells in body)
    return checked(gather(rows, assembly, sheet_read.source), file.name, strict=strict)


def _header(rows: Sequence[Row], name: str) -> tuple[dict[str, int], Sequence[Row]]:
    first = rows[0][1]
    columns = columns_of(first)
    if is_enough(columns):
        return columns, rows[1:]
    if len(first) >= len(ALLELES) and chromosome_name(str(first[0])) and str(first[1]).strip().isdigit():
        return {column: index for index, column in enumerate(ALLELES)}, rows
    if _is_variant(str(first[0])):
        return {"variant": 0}, rows
    known = ", ".join(str(cell) for cell in first[:12])
    raise TableError(
        f"{name}: no column is named {missing(columns)}. Its first row holds {known}. Name the columns "
        "chromosome, position, reference and alternate, or one of them variant."
    )


def _is_variant(text: str) -> bool:
    try:
        parse_variant(plain(text))
    except ValueError:
        return False
    return True


def _named(cells: Sequence[Any], columns: dict[str, int]) -> Cells:
    return {name: cells[index] for name, index in columns.items() if index < len(cells)}


def _vcf_rows(file: Path) -> Iterator[tuple[int, Cells]]:
    text, _ = read_text(file)
    lines = text.splitlines()
    header = [line for line in lines if line.startswith("##")]
    lengths = {match[1]: int(match[2]) for line in header if (match := CONTIG.match(line))}
    elsewhere = belongs_elsewhere(lengths)
    if elsewhere is not None and elsewhere != "mm39":
        raise refusal(elsewhere)
    for line in header:
        if match := REFERENCE.match(line):
            check_assembly({"b37": "hg19", "hs37": "hg19"}.get(match[1].lower(), match[1]))
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        cells = [*line.split("\t", maxsplit=5), "", "", "", "", ""]
        yield (
            number,
            {
                "chromosome": cells[0],
                "position": cells[1],
                "name": cells[2] if cells[2] != "." else "",
                "reference": cells[3],
                "alternate": cells[4],
            },
        )


def _bed_rows(file: Path) -> Iterator[tuple[int, Cells]]:
    """Yield rows of a BED file whose fourth column holds the alleles, or whose fourth and fifth do."""
    for number, cells in read_sheet(file).rows:
        if str(cells[0]).startswith(BED_COMMENTS):
            continue
        chromosome, start, _, name, other = [*cells, "", "", "", "", ""][:5]
        position = int(start) + 1 if str(start).isdigit() else start
        alleles = re.fullmatch(r"(?:.*[:_ ])?([ACGTNacgtn]+)[>/]([ACGTNacgtn]+)", plain(str(name)))
        reference, alternate = alleles.groups() if alleles else (name, other)
        if not alleles and not re.fullmatch(r"[ACGTNacgtn]+", str(name)):
            reference = ""
        yield (
            number,
            {"chromosome": chromosome, "position": position, "reference": reference, "alternate": alternate},
        )


@dataclass(frozen=True)
class Intervals:
    """The regions of a BED file, with their names and what was wrong."""

    intervals: list[genome.Interval]
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.intervals)

    def __iter__(self) -> Iterator[genome.Interval]:
        return iter(self.intervals)


def load_intervals(filepath: str | Path, *, assembly: str = "hg38") -> Intervals:
    """Return the regions of a BED file (from 0, the end not included), with their names and strands.

    Raises TableError when it holds no region that can be used.
    """
    assembly = check_assembly(assembly)
    found = Intervals([], [])
    for number, cells in read_sheet(filepath).rows:
        if str(cells[0]).startswith(BED_COMMENTS):
            continue
        try:
            found.intervals.append(_interval(cells, assembly))
        except ValueError as error:
            found.problems.append(Problem(number, "region", " ".join(map(str, cells[:3])), str(error)))
    if not found.intervals:
        why = f" First problem: {found.problems[0]}" if found.problems else ""
        raise TableError(f"{Path(filepath).name} holds no region that can be used.{why}")
    return found


def _interval(cells: Sequence[Any], assembly: str) -> genome.Interval:
    chromosome = chromosome_name(str(cells[0]), assembly)
    if chromosome is None:
        raise ValueError(f"{assembly} has no chromosome {str(cells[0])!r}. Write it like chr22.")
    if len(cells) < BED_PLACES or not all(str(cell).isdigit() for cell in cells[1:BED_PLACES]):
        raise ValueError("needs chromosome, start and end, separated by tabs.")
    start, end = int(cells[1]), int(cells[2])
    if end <= start:
        raise ValueError("its end is not behind its start.")
    name = str(cells[3]) if len(cells) > BED_PLACES else ""
    strand = str(cells[5]) if len(cells) > 5 and str(cells[5]) in {"+", "-"} else "."
    return genome.Interval(chromosome, start, end, strand, name)
