"""Variants out of the cells of a row: checked one by one, and told apart from what cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import pandas as pd
from alphagenome.data import genome

from alphagenome_tools.assemblies import CHROMOSOMES, check_assembly, chromosome_name
from alphagenome_tools.excel_names import mangled
from alphagenome_tools.problems import Problem, TableError, problems_table
from alphagenome_tools.regions import parse_variant
from alphagenome_tools.sheets import plain

BASES = re.compile(r"[ACGTN]+")
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
GROUPED = re.compile(r"\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3})*")
STRUCTURAL = 50  # from this many bases on, a change is outside what AlphaGenome was evaluated on
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Variants(Sequence[genome.Variant]):
    """The variants of a file in its order, with what was wrong.

    ``problems`` are of rows that were left out, ``notes`` of rows that were kept. ``rows`` holds the row of
    each variant, ``source`` how the file was read.
    """

    variants: list[genome.Variant] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    source: str = ""

    def __len__(self) -> int:
        return len(self.variants)

    @overload
    def __getitem__(self, index: int) -> genome.Variant: ...
    @overload
    def __getitem__(self, index: slice) -> list[genome.Variant]: ...
    def __getitem__(self, index: int | slice) -> genome.Variant | list[genome.Variant]:
        return self.variants[index]

    def table(self) -> pd.DataFrame:
        """Return the variants as a table: row, variant, its four parts, name and gene."""
        records = [
            {
                "row": row,
                "variant": str(one),
                "chromosome": one.chromosome,
                "position": one.position,
                "reference": one.reference_bases,
                "alternate": one.alternate_bases,
                "name": one.name,
                "gene": one.info.get("gene", ""),
            }
            for row, one in zip(self.rows, self.variants, strict=True)
        ]
        columns = ["row", "variant", "chromosome", "position", "reference", "alternate", "name", "gene"]
        return pd.DataFrame(records, columns=columns)

    def problems_table(self) -> pd.DataFrame:
        """Return problems and notes as one table, in the order of their rows."""
        both = [(one, "left out") for one in self.problems] + [(one, "kept") for one in self.notes]
        both.sort(key=lambda pair: pair[0].row)
        table = problems_table([one for one, _ in both])
        return table.assign(what=[what for _, what in both])

    def keys(self) -> dict[str, int]:
        """Return the number by which each variant is known: the file's own column ``row``, else its row."""
        pairs = zip(self.variants, self.rows, strict=True)
        return {str(variant): variant.info.get("row", row) for variant, row in pairs}

    def summary(self) -> str:
        """Return in one sentence how many variants there are and how many rows were left out."""
        left_out = len({problem.row for problem in self.problems})
        parts = [_counted(len(self), "variant"), f"{_counted(left_out, 'row')} left out"]
        return "; ".join([*parts, *([_counted(len(self.notes), "remark")] if self.notes else [])])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class RowError(ValueError):
    """A row holds no variant that can be used."""

    def __init__(self, column: str, value: object, message: str) -> None:
        super().__init__(message)
        self.column, self.value = column, str(value)


def gather(rows: Iterable[tuple[int, Cells]], assembly: str, source: str) -> Variants:
    """Return the variants of numbered rows of cells; what is wrong with a row never stops the others."""
    assembly = check_assembly(assembly)
    found = Variants(source=source)
    seen: dict[str, int] = {}
    for number, cells in rows:
        try:
            variants = list(variants_of(cells, assembly))
        except RowError as error:
            found.problems.append(Problem(number, error.column, error.value, str(error)))
            continue
        for note in remarks(cells, variants):
            found.notes.append(Problem(number, note.column, note.value, str(note)))
        for variant in variants:
            name = str(variant)
            if name in seen:
                words = f"the same variant as in row {seen[name]:,}; it is asked about once."
                found.notes.append(Problem(number, "variant", name, words))
                continue
            seen[name] = number
            found.variants.append(variant)
            found.rows.append(number)
    return found


def variants_of(cells: Cells, assembly: str = "hg38") -> Iterator[genome.Variant]:
    """Yield the variants of a row, one for each alternate allele; raise RowError."""
    if str(cells.get("assembly", "")).strip():
        check_assembly(str(cells["assembly"]))
    info: dict[str, Any] = {"gene": plain(str(cells["gene"]))} if cells.get("gene") else {}
    if str(cells.get("row", "")).isdigit():
        info["row"] = int(cells["row"])
    name = plain(str(cells.get("name", ""))).replace("nan", "")
    for chromosome, position, reference, alternate in _parts(cells, assembly):
        variant = genome.Variant(chromosome, position, reference, alternate, name, dict(info))
        if variant.end > CHROMOSOMES[assembly][chromosome]:
            length = CHROMOSOMES[assembly][chromosome]
            words = f"{chromosome} of {assembly} ends at {length:,}. Is the position from another assembly?"
            raise RowError("position", position, words)
        yield variant


def _parts(cells: Cells, assembly: str) -> Iterator[tuple[str, int, str, str]]:
    whole = plain(str(cells.get("variant", "")))
    if whole and not str(cells.get("position", "")).strip():
        try:
            variant = parse_variant(whole)
        except ValueError as error:
            raise RowError("variant", whole, str(error)) from None
        chromosome = _chromosome(variant.chromosome, assembly)
        yield chromosome, variant.position, variant.reference_bases, variant.alternate_bases
        return
    chromosome = _chromosome(cells.get("chromosome", ""), assembly)
    position = _position(cells.get("position", ""))
    reference = _allele("reference", cells.get("reference", ""))
    alternates = re.split(r"[,/;]", plain(str(cells.get("alternate", ""))))
    usable = [part for part in alternates if part.strip() != "*"]
    if not usable:
        raise RowError("alternate", "*", "stands for a deletion that another row describes.")
    for part in usable:
        alternate = _allele("alternate", part)
        if alternate == reference:
            raise RowError("alternate", alternate, "is the same as the reference allele; nothing changes.")
        yield chromosome, position, reference, alternate


def _chromosome(value: object, assembly: str) -> str:
    text = plain(str(value))
    if not text:
        raise RowError("chromosome", "", "is missing. Write it like chr22.")
    name = chromosome_name(text, assembly)
    if name is None:
        raise RowError("chromosome", text, f"{assembly} has no such chromosome. Write it like chr22.")
    return name


def _position(value: object) -> int:
    text = plain(str(value))
    if not text:
        raise RowError("position", "", "is missing. Write it like 36201698.")
    if SCIENTIFIC.fullmatch(text) and not isinstance(value, float):
        words = "a spreadsheet shortened this number, and digits are lost. Format the column as a number."
        raise RowError("position", text, words)
    whole = re.sub(r"[.,' \u00a0\u202f]", "", text) if GROUPED.fullmatch(text) else text.removesuffix(".0")
    if not re.fullmatch(r"\d{1,12}", whole):
        raise RowError("position", text, "is not a whole number. Write it like 36201698.")
    if int(whole) < 1:
        raise RowError("position", text, "positions count from 1, as in a VCF file.")
    return int(whole)


def _allele(column: str, value: object) -> str:
    text = plain(str(value)).upper()
    if text in {"", "-", ".", "NAN"}:
        words = "is missing. Write insertions and deletions with the base before them, like A>ATTC or ATG>A."
        raise RowError(column, text, words)
    if text.startswith("<") or "[" in text or "]" in text:
        raise RowError(column, text, "is a structural variant, which AlphaGenome does not predict.")
    if not BASES.fullmatch(text):
        raise RowError(column, text, "may hold only the letters A, C, G, T and N.")
    return text


def remarks(cells: Cells, variants: Sequence[genome.Variant]) -> Iterator[RowError]:
    """Yield what a reader should know of a row that is kept."""
    if "*" in str(cells.get("alternate", "")):
        words = "its * allele stands for a deletion that another row describes, and is left out."
        yield RowError("alternate", cells["alternate"], words)
    gene = cells.get("gene")
    if gene not in (None, "") and (words := mangled(gene)):
        yield RowError("gene", gene, words)
    for variant in variants:
        if abs(len(variant.reference_bases) - len(variant.alternate_bases)) >= STRUCTURAL:
            words = f"changes {STRUCTURAL} bases or more, which AlphaGenome was not evaluated on."
            yield RowError("variant", variant.as_truncated_str(20), words)


def checked(found: Variants, path: str, *, strict: bool) -> Variants:
    """Return what was found; raise TableError if nothing was, or with ``strict`` if any row was left out."""
    if strict and found.problems:
        first = "; ".join(str(problem) for problem in found.problems[:3])
        raise TableError(f"{path}: {len(found.problems)} rows cannot be used: {first}.")
    if not found.variants:
        why = f" First problem: {found.problems[0]}" if found.problems else " It has no rows."
        raise TableError(f"{path} holds no variant that can be used.{why}")
    return found
