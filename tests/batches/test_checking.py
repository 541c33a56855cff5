"""Tables of variants as people have them: which rows are good, and what is said of the others, by line."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile

import openpyxl
import pytest

from workspace_api.batches.checking import MOST_ROWS, check_lines, check_table, lines_of, rows_in
from workspace_api.batches.given import GivenRows
from workspace_api.batches.reading import TableError
from workspace_api.batches.workbooks import Workbook

GOOD = "chr22,36201698,A,C\n"
HEADER = "chrom,pos,ref,alt\n"


def variants(data: bytes | str, assembly: str = "hg38") -> list[str]:
    raw = data.encode() if isinstance(data, str) else data
    return [row.variant for row in check_table(raw, assembly).rows]


def problems(data: bytes | str) -> dict[int, str]:
    raw = data.encode() if isinstance(data, str) else data
    return {problem.line: problem.message for problem in check_table(raw, "hg38").problems}


@pytest.mark.parametrize(
    "data",
    [
        "chrom,pos,ref,alt\nchr22,36201698,A,C\n",
        "\ufeffCHROM;POS;REF;ALT\r\n22;36201698;a;c\r\n",
        "chr\tposition\treference\talternate\nchr22\t36,201,698\tA\tC",
        "染色体,位置,参考碱基,变异碱基\nchr22,36201698,A,C\n",
        "染色体;位置;参考等位基因;替代等位基因\nchr22;36201698;A;C\n".encode("gb18030"),
        "chrom\tpos\tref\talt\r\nchr22\t36201698\tA\tC\r\n".encode("utf-16"),
        "sep=;\r\nchrom;pos;ref;alt\r\nchr22;36201698;A;C\r\n",
        "variant\n22-36201698-A-C\n",
        "Variant ID,gene\nchr22:36201698:A>C,APOL1\n",
        "chr22:36201698:A>C\n",
        "chrom,pos,ref,alt\rchr22,36201698.0,A,C\r",
        '"chrom","pos","ref","alt"\n"chr22","36,201,698","A","C"\n\n\n',
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n22\t36201698\trs1\tA\tC\t.\t.\tDP=1\r\n",
        gzip.compress(b"#CHROM\tPOS\tID\tREF\tALT\nchr22\t36201698\t.\tA\tC\n", mtime=0),
        gzip.compress(HEADER.encode(), mtime=0) + gzip.compress(GOOD.encode(), mtime=0),
    ],
)
def test_a_table_is_read_however_it_was_written(data):
    assert variants(data) == ["chr22:36201698:A>C"]


def workbook(*rows: tuple, **more: tuple) -> bytes:
    """Return an Excel file with `rows` on its first sheet, and sheets named in `more`."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, row in more.items():
        book.create_sheet(name).append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rezipped(data: bytes, **changes: bytes) -> bytes:
    """Return a workbook with parts replaced or added; `sheet` stands for its first sheet."""
    names = {"sheet": "xl/worksheets/sheet1.xml"}
    changed = {names.get(name, name): content for name, content in changes.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changed}:
            new.writestr(name, changed.get(name) or old.read(name))
    return file.getvalue()


COLUMNS = ("Chrom", "Position", "Ref", "Alt", "Gene")


def test_a_workbook_is_read_as_its_first_sheet_shows_it():
    book = workbook(
        (),
        (*COLUMNS, "score"),
        ("chr22", 36_201_698, "A", "C", "APOL1", 0.5),
        (),
        (22, 36_201_700.0, "G", "T", dt.datetime(2026, 9, 2), None, "a note beside the table"),
        ("chr99", 1, "A", "C"),
        notes=("nothing", "here"),
    )
    checked = check_table(book, "hg38")

    assert [(row.line, row.variant, row.gene) for row in checked.rows] == [
        (3, "chr22:36201698:A>C", "APOL1"),
        (5, "chr22:36201700:G>T", "2-Sep"),
    ]
    assert {problem.line: problem.kept for problem in checked.problems} == {5: True, 6: False}
    assert "a spreadsheet made a date of the name" in checked.problems[0].message


def test_a_formula_of_a_workbook_is_not_worked_out():
    book = workbook(COLUMNS, ("chr22", "=36201600+98", "A", "C", '=WEBSERVICE("http://127.0.0.1:1/")'))

    assert problems(book) == {2: "There is nothing under position."}


def test_entities_in_a_workbook_are_refused():
    book = workbook(COLUMNS, ("chr22", 36_201_698, "A", "C", "x"))
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
    )
    with pytest.raises(TableError, match="The workbook is damaged"):
        check_table(rezipped(book, sheet=bomb), "hg38")


def test_rows_and_columns_far_away_cost_nothing():
    book = workbook(COLUMNS)
    far = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>variant</t></is></c><c r="ZZZ1"><v>1</v></c></row>'
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>chr22:36201698:A&gt;C</t></is></c></row>'
        b'<row r="999999999999"><c r="A9"><v>1</v></c></row></sheetData></worksheet>'
    )

    assert variants(rezipped(book, sheet=far)) == ["chr22:36201698:A>C"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04", "damaged"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "old Excel, or one with a password"),
        (rezipped(workbook(COLUMNS), sheet=b"<worksheet><sheetData><row>"), "damaged"),
        (rezipped(workbook(COLUMNS), bomb=b"0" * 101_000_000), "more than 100 MB"),
        (rezipped(workbook(COLUMNS), **{f"n{n}": b"x" for n in range(2_000)}), "more than 100 MB"),
        (workbook(), "is empty"),
        (workbook(("gene", "score")), "lacks chromosome"),
    ],
    ids=["cut", "old", "half a sheet", "zip bomb", "many parts", "empty", "other columns"],
)
def test_a_workbook_that_cannot_be_read_is_refused_in_words(data, words):
    with pytest.raises(TableError, match=words):
        check_table(data, "hg38")


@pytest.mark.parametrize("bounds", [{"seconds": 1}, {"memory_bytes": 200_000_000}])
def test_a_small_file_that_would_take_much_memory_and_time_is_given_up(bounds):
    styles = (
        b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts>'
        + b"<font/>" * 1_000_000
        + b"</fonts></styleSheet>"
    )
    book = rezipped(workbook(COLUMNS), **{"xl/styles.xml": styles})

    assert len(book) < 20_000
    with pytest.raises(TableError, match=r"too much room or time.*CSV UTF-8"):
        list(Workbook(book, **bounds).lines())


def test_an_archive_that_is_no_workbook_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("variants.csv", HEADER + GOOD)
    with pytest.raises(TableError, match=r"no workbook.*CSV UTF-8"):
        check_table(file.getvalue(), "hg38")


def test_rows_that_a_program_sends_are_told_by_their_number():
    rows = [
        {"variant": "chr22:36201698:A>C", "id": "rs1"},
        {"chrom": "chr22", "pos": 36_201_700, "ref": "G", "alt": "T"},
        {"variant": "nonsense"},
        {},
        {"variant": "chr22:36201702:G>T", "gene": None},
    ]
    checked = check_lines(GivenRows(rows), "hg38")

    assert [(row.line, row.variant, row.name) for row in checked.rows] == [
        (1, "chr22:36201698:A>C", "rs1"),
        (2, "chr22:36201700:G>T", ""),
        (5, "chr22:36201702:G>T", ""),
    ]
    assert [problem.line for problem in checked.problems] == [3]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"variant": "chr22:36201698:A>C", f"v{n}": n} for n in range(300)], "301 names of values"),
        ([{"variant": "chr22:36201698:A>C"}] * 200_001, "more than 200,000 rows"),
    ],
    ids=["names", "rows"],
)
def test_rows_that_would_make_too_large_a_table_are_refused(rows, words):
    with pytest.raises(TableError, match=words):
        check_lines(GivenRows(rows), "hg38")


def test_a_line_of_a_vcf_with_several_alternates_is_several_rows():
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\nchr22\t36201698\trs7\tA\tC,ATT,<DEL>,*\n"
    checked = check_table(gzip.compress(text.encode(), mtime=0), "hg38")

    assert [(row.row, row.line, row.variant, row.name) for row in checked.rows] == [
        (1, 3, "chr22:36201698:A>C", "rs7"),
        (2, 3, "chr22:36201698:A>ATT", "rs7"),
    ]
    assert checked.problem_count == 2
    assert "“<DEL>” is no sequence" in checked.problems[0].message


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("chr99,1,A,C", "hg38 has no chromosome “chr99”"),
        ("chr22,99999999,A,C", "chr22 ends at 50,818,468"),
        ("chr22,0,A,C", "counted from 1"),
        ("chr22,36201698,A,A", "the same as the reference"),
        ("chr22,36201698,A,X", "may hold only A, C, G and T"),
        ("chr22,36201698,,C", "There is nothing under reference."),
        ("chr22,3.62E+07,A,C", "was shortened by a spreadsheet"),
        ("chr22", "There is nothing under position, reference, alternate."),
        ("chr22,36,201,698,A,C", "It has 6 cells, the header has 4."),
        ("<script>,1,A,C", "“<script>”"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_the_others_are_kept(row, words):
    text = HEADER + GOOD + row + "\n" + "chr22,36201700,G,T\n"

    assert words in problems(text)[3]
    assert variants(text) == ["chr22:36201698:A>C", "chr22:36201700:G>T"]


def test_a_repeated_variant_is_computed_once_and_counted():
    checked = check_table((HEADER + GOOD * 3 + "22,36201698,a,c\n").encode(), "hg38")

    assert len(checked.rows) == 1
    assert checked.repeated == 3
    assert checked.problem_count == 0


def test_a_gene_that_a_spreadsheet_made_a_date_of_is_told_and_its_row_kept():
    text = "chrom,pos,ref,alt,gene\nchr22,36201698,A,C,1-Mar\nchr22,36201699,A,C,9月2日\nchr22,5,A,C,APOL1\n"
    checked = check_table(text.encode(), "hg38")

    assert len(checked.rows) == 3
    assert checked.problem_count == 0
    assert [(problem.line, problem.kept) for problem in checked.problems] == [(2, True), (3, True)]


def test_rows_of_another_assembly_are_refused():
    text = "chrom,pos,ref,alt,build\nchr22,36201698,A,C,GRCh38.p13\nchr22,36201699,A,C,hg19\n"

    assert "“hg19”, but this worksheet works with hg38. Lift it over first." in problems(text)[3]
    assert len(variants(text)) == 1
    assert variants("variant\nchr19:100:A>C\n", "mm10") == ["chr19:100:A>C"]
    assert problems("variant\nchr3:5:A>C\nchr20:100:A>C\n").keys() == set()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The table is empty"),
        (b"\n \n", "The table is empty"),
        (b"PK\x03\x04rest of a workbook", "CSV UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "This is no text"),
        (gzip.compress(HEADER.encode(), mtime=0)[:-9], "ends early"),
        (b"\x1f\x8bno gzip", "damaged"),
        (b"a,b,c\n1,2,3\n", "lacks chromosome, position, reference, alternate"),
        (b"chrom,pos,ref\nchr1,1,A\n", "lacks alternate"),
    ],
)
def test_what_is_no_table_of_variants_is_refused_with_the_remedy(data, words):
    with pytest.raises(TableError, match=words):
        check_table(data, "hg38")


def test_a_packed_file_that_grows_without_end_is_refused():
    with pytest.raises(TableError, match="more than 100 MB"):
        check_table(gzip.compress(b"x" * 101_000_000, 1, mtime=0), "hg38")


def test_a_table_longer_than_a_batch_may_be_is_refused():
    lines = "".join(f"chr1,{position},A,C\n" for position in range(1, MOST_ROWS + 2))

    with pytest.raises(TableError, match="more than 50,000 variants"):
        check_table((HEADER + lines).encode(), "hg38")


def test_of_ten_thousand_rows_the_thirty_seven_bad_ones_are_told_by_line():
    bad = set(range(100, 9_990, 270))
    lines = [f"chr1;{n};A;{'X' if n in bad else 'C'};基因{n}\r\n" for n in range(1, 10_001)]
    checked = check_table(("\ufeff染色体;位置;参考;替代;基因\r\n" + "".join(lines)).encode(), "hg38")

    assert len(bad) == 37
    assert len(checked.rows) == 9_963
    assert {problem.line for problem in checked.problems} == {n + 1 for n in bad}


def test_the_checked_table_is_read_back_as_it_was_written_also_after_somebody_spoilt_it():
    rows = check_table((b'name,variant,gene\n"a\tb",chr1:5:A>C,X\nrs2,chr1:6:A>C,Y\n'), "hg38").rows
    text = lines_of(rows)

    assert [row.variant for row in rows_in(text)] == ["chr1:5:A>C", "chr1:6:A>C"]
    assert rows_in(text)[0].name == "a b"
    assert len(rows_in(text + "no row\n\0\nx\t1\tchr1:7:A>C\t\t\n")) == 2
