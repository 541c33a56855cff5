"""Checks every row of a table of variants before anything runs; good rows are kept, others told by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workspace_api.batches.columns import ALLELES, columns_of, is_enough
from workspace_api.batches.given import GivenRows
from workspace_api.batches.reading import Line, Table, TableError, read_table
from workspace_api.batches.workbooks import Workbook, open_workbook
from workspace_api.worksheets.formats import FormatError, genomic_variant, shown
from workspace_api.worksheets.plain import plain

AnyTable = Table | Workbook | GivenRows
ZIP = b"PK\x03\x04"
MOST_ROWS = 50_000
MOST_PROBLEMS = 1_000
LONGEST_NAME = 200
SHORTENED = re.compile(r"[0-9][.,]?[0-9]*[Ee]\+?[0-9]+")
WHOLE = re.compile(r"([0-9][0-9,_ ]*)[.]0+")
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
DATE = re.compile(
    rf"(?i)[0-9]{{1,2}}[-/ ]({MONTHS})|({MONTHS})[-/ ][0-9]{{1,4}}|[0-9]{{1,2}}月[0-9]{{1,2}}日"
)
BUILDS = {
    "hg38": "hg38", "grch38": "hg38", "38": "hg38", "b38": "hg38",
    "mm10": "mm10", "grcm38": "mm10",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A good row: its number from 1, its line in the file, the variant in its proper form, and its name."""

    row: int
    line: int
    variant: str
    name: str
    gene: str


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line; `kept` says that its row is good all the same."""

    line: int
    message: str
    kept: bool = False


@dataclass
class Checked:
    """The good rows, what is wrong with the others (at most a thousand, `problem_count` counts all).

    `repeated` counts variants that an earlier row has already; they are computed once.
    """

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    repeated: int = 0

    def tell(self, line: int, message: str, *, kept: bool = False) -> None:
        """Note what is wrong with a line."""
        self.problem_count += not kept
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(line, message, kept))


@dataclass(frozen=True)
class Candidate:
    """One variant as a line has it."""

    line: int
    text: str
    name: str = ""
    gene: str = ""


def check_table(data: bytes, assembly: str) -> Checked:
    """Return the rows of an uploaded table of variants of `assembly`; raises TableError for no such table."""
    return check_lines(table_in(data), assembly)


def table_in(data: bytes) -> Table | Workbook:
    """Return an uploaded file as a table; raises TableError for what is none."""
    return open_workbook(data) if data.startswith(ZIP) else read_table(data)


def check_lines(table: AnyTable, assembly: str) -> Checked:
    """Return the rows of a table of variants of `assembly`; raises TableError for one that cannot be read."""
    checked = Checked()
    seen: set[str] = set()
    for candidate in _candidates(table, assembly, checked):
        try:
            variant = genomic_variant(candidate.text, {"x-assembly": assembly})
        except FormatError as error:
            checked.tell(candidate.line, str(error))
            continue
        if variant in seen:
            checked.repeated += 1
            continue
        if len(checked.rows) == MOST_ROWS:
            raise TableError(f"The table has more than {MOST_ROWS:,} variants. Upload it in parts.")
        seen.add(variant)
        if DATE.fullmatch(candidate.gene):
            words = f"{shown(candidate.gene)} is no gene: a spreadsheet made a date of the name."
            checked.tell(candidate.line, f"{words} The row is kept; its variant does not need it.", kept=True)
        name, gene = (str(plain(text[:LONGEST_NAME])) for text in (candidate.name, candidate.gene))
        checked.rows.append(Row(len(checked.rows) + 1, candidate.line, variant, name, gene))
    return checked


def _candidates(table: AnyTable, assembly: str, checked: Checked) -> Iterator[Candidate]:
    if table.vcf:
        yield from _of_vcf(table, checked)
        return
    lines = table.lines()
    first = next(lines, None)
    if first is None:
        raise TableError("The table is empty. Upload one with a header and a variant on each line.")
    columns = columns_of(first[1])
    if is_enough(columns):
        yield from _of_columns(lines, columns, len(first[1]), assembly, checked)
    elif _is_variant(first[1][0]):
        yield from (Candidate(number, cells[0]) for number, cells in (first, *lines))
    else:
        missing = ", ".join(name for name in ALLELES if name not in columns)
        raise TableError(
            f"The header {shown(' | '.join(first[1]))} lacks {missing}. Name the columns chromosome, "
            "position, reference and alternate, or have one called variant, such as chr22:36201698:A>C."
        )


def _of_vcf(table: AnyTable, checked: Checked) -> Iterator[Candidate]:
    for number, cells in table.lines():
        if len(cells) < 5:
            checked.tell(
                number, f"A line of a VCF has at least 5 columns with tabs between; it has {len(cells)}."
            )
            continue
        chromosome, position, name, reference, alternates = (cell.strip() for cell in cells[:5])
        for alternate in alternates.split(","):
            if alternate in (".", "*") or alternate.startswith("<") or "[" in alternate or "]" in alternate:
                checked.tell(
                    number,
                    f"The alternate allele {shown(alternate)} is no sequence: only substitutions, insertions "
                    "and deletions that are written out can be computed.",
                )
                continue
            name = "" if name == "." else name
            yield Candidate(number, f"{chromosome}:{position}:{reference}>{alternate}", name)


def _of_columns(
    lines: Iterator[Line], columns: dict[str, int], width: int, assembly: str, checked: Checked
) -> Iterator[Candidate]:
    for number, cells in lines:
        found = {column: cells[at] if at < len(cells) else "" for column, at in columns.items()}
        if len(cells) > width and any(cells[width:]):
            checked.tell(
                number, f"It has {len(cells)} cells, the header has {width}. Put quotes around commas."
            )
            continue
        refusal = _refusal(found, assembly)
        if refusal:
            checked.tell(number, refusal)
            continue
        yield Candidate(number, _written(found), found.get("name", ""), found.get("gene", ""))


def _refusal(found: dict[str, str], assembly: str) -> str:
    """Return why a row cannot be read before its variant is looked at; empty where it can."""
    build = found.get("assembly", "")
    if build and BUILDS.get(build.lower().split(".")[0]) != assembly:
        return f"It is of {shown(build)}, but this worksheet works with {assembly}. Lift it over first."
    if found.get("variant"):
        return ""
    if SHORTENED.fullmatch(found.get("position", "")):
        return (
            f"The position {shown(found['position'])} was shortened by a spreadsheet. Format the column as "
            "a whole number and save the table again."
        )
    empty = [column for column in ALLELES if not found.get(column)]
    return f"There is nothing under {', '.join(empty)}." if empty else ""


def _written(found: dict[str, str]) -> str:
    if found.get("variant"):
        return found["variant"]
    chromosome, position, reference, alternate = (found[column] for column in ALLELES)
    whole = WHOLE.fullmatch(position)
    return f"{chromosome}:{whole[1] if whole else position}:{reference}>{alternate}"


def _is_variant(text: str) -> bool:
    """Whether a first line without a header is a variant of any assembly, or at least means to be one."""
    return len(re.split(r"[:>/-]", text)) >= 4


def lines_of(rows: Sequence[Row]) -> str:
    """Return the checked table as the notebook is given it: tab separated, with a header."""
    body = (f"{r.row}\t{r.line}\t{r.variant}\t{_cell(r.name)}\t{_cell(r.gene)}\n" for r in rows)
    return "row\tline\tvariant\tname\tgene\n" + "".join(body)


def rows_in(text: str) -> list[Row]:
    """Return the rows of a checked table; lines that somebody has spoilt since are passed over."""
    rows = []
    for line in text.split("\n")[1:]:
        cells = line.split("\t")
        if len(cells) >= 5 and cells[0].isdecimal() and cells[1].isdecimal():
            rows.append(Row(int(cells[0][:9]), int(cells[1][:9]), *cells[2:5]))
    return rows[:MOST_ROWS]


def _cell(text: str) -> str:
    return " ".join(text.split())
