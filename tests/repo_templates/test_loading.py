"""The loaders of the template's library, on files as people have them."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from workspace_api.genomes import CHROMOSOMES

HEADER = "chromosome,position,reference,alternate,gene\n"
GOOD = "chr22,36201698,A,C,APOL4\n"


@pytest.fixture
def ag(library: None) -> Any:
    import alphagenome_tools

    return alphagenome_tools


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a file: ``write(name, text or bytes)``."""

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def names(found: Any) -> list[str]:
    return [str(variant) for variant in found]


def test_the_assemblies_are_those_of_the_workspace(library: None) -> None:
    from alphagenome_tools.assemblies import CHROMOSOMES as OURS

    assert {name: dict(lengths) for name, lengths in CHROMOSOMES.items()} == OURS


@pytest.mark.parametrize(
    "content",
    [
        HEADER + GOOD,
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        (HEADER + GOOD).replace(",", ";"),
        (HEADER + GOOD).replace(",", "\t"),
        "sep=;\r\n" + (HEADER + GOOD).replace(",", ";"),
        "#CHROM,POS,ID,REF,ALT\n22,36201698,rs1,a,c\n",
        "Chr,BP,Ref Allele,Alt_Allele\nCHR22,36201698.0,A,C\n",
        "染色体,位置,参考碱基,变异碱基,基因\nchr22,36201698,A,C,APOL4\n",
        "variant\n22-36201698-A-C\n",
        "变异\nchr22：36201698：A＞C\n",
        "chr22,36201698,A,C\n",
        "chr22:36201698:A>C\n",
        'chrom,pos,ref,alt\nchr22,"36,201,698",A,C\n',
    ],
)
def test_tables_are_read_as_people_write_them(ag: Any, write: Any, content: str) -> None:
    assert names(ag.load_variants_from_csv(write("a.csv", content))) == ["chr22:36201698:A>C"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_tables_are_read_in_the_encodings_of_excel(ag: Any, write: Any, encoding: str) -> None:
    text = "染色体,位置,参考,替代,基因\r\nchr22,36201698,A,C,载脂蛋白\r\n"

    found = ag.load_variants_from_csv(write("变异.csv", text.encode(encoding)))

    assert names(found) == ["chr22:36201698:A>C"]
    assert found[0].info["gene"] == "载脂蛋白"


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("chr99,1000,A,C,", "chromosome", "no such chromosome"),
        (",1000,A,C,", "chromosome", "is missing"),
        ("chr22,,A,C,", "position", "is missing"),
        ("chr22,3.62E+07,A,C,", "position", "digits are lost"),
        ("chr22,abc,A,C,", "position", "not a whole number"),
        ("chr22,0,A,C,", "position", "count from 1"),
        ("chr22,60000000,A,C,", "position", "ends at 50,818,468"),
        ("chr22,1000,,C,", "reference", "the base before them"),
        ("chr22,1000,A,-,", "alternate", "the base before them"),
        ("chr22,1000,A,<DEL>,", "alternate", "structural"),
        ("chr22,1000,A,R,", "alternate", "only the letters"),
        ("chr22,1000,A,A,", "alternate", "nothing changes"),
        ("chr22,1000,A,*,", "alternate", "another row"),
    ],
)
def test_a_bad_row_is_named_with_its_number_and_what_to_do(
    ag: Any, write: Any, row: str, column: str, words: str
) -> None:
    found = ag.load_variants_from_csv(write("a.csv", HEADER + GOOD + "\n" + row + "\n"))

    (problem,) = found.problems
    assert (problem.row, problem.column) == (4, column)  # the empty line counts, as it does in Excel
    assert words in problem.message
    assert len(found) == 1


def test_ten_thousand_rows_with_37_bad_ones_are_told_apart(ag: Any, write: Any) -> None:
    bad = {270 * index + 2 for index in range(37)}
    rows = [
        f"chr{1 + row % 22},{1_000_000 + row},A,{'X' if row in bad else 'C'},G{row}"
        for row in range(2, 10_002)
    ]

    found = ag.load_variants_from_csv(write("big.csv", HEADER + "\r\n".join(rows) + "\r\n"))

    assert {problem.row for problem in found.problems} == bad
    assert len(found) == 10_000 - 37
    assert found.rows[0] == 3
    assert found.summary() == "9,963 variants; 37 rows left out"


@pytest.mark.parametrize(
    ("gene", "words"),
    [
        ("2-Sep", "SEPT2, today SEPTIN2"),
        ("Mar-01", "MARCH1, today MARCHF1"),
        ("2021-03-01", "MARCH1"),
        ("9月2日", "SEPT2"),
        ("2.31E+13", "into a number"),
    ],
)
def test_gene_names_that_excel_changed_are_told_and_the_row_is_kept(
    ag: Any, write: Any, gene: str, words: str
) -> None:
    found = ag.load_variants_from_csv(write("a.csv", HEADER + f"chr22,36201698,A,C,{gene}\n"))

    assert len(found) == 1
    assert words in found.notes[0].message
    assert found.problems_table()["what"].tolist() == ["kept"]


@pytest.mark.parametrize("gene", ["SEPTIN2", "MARCH1", "DEC1", "APOL4", "H1-2", "7SK", "C9orf72"])
def test_sound_gene_names_are_left_alone(ag: Any, write: Any, gene: str) -> None:
    assert not ag.load_variants_from_csv(write("a.csv", HEADER + f"chr22,36201698,A,C,{gene}\n")).notes


def test_the_same_variant_is_asked_about_once(ag: Any, write: Any) -> None:
    found = ag.load_variants_from_csv(write("a.csv", HEADER + GOOD + GOOD.replace("chr22", "22")))

    assert len(found) == 1
    assert "as in row 2" in found.notes[0].message


def test_excel_workbooks_are_read(ag: Any, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "mine"
    sheet.append(["chrom", "pos", "ref", "alt", "gene"])
    sheet.append(["chr22", 36201698, "A", "C", datetime.datetime(2026, 9, 2)])
    sheet.append([22, 36201699.0, "A", "T", None])
    book.save(tmp_path / "a.xlsx")

    found = ag.load_variants(tmp_path / "a.xlsx", sheet="mine")

    assert names(found) == ["chr22:36201698:A>C", "chr22:36201699:A>T"]
    assert "SEPT2" in found.notes[0].message
    with pytest.raises(ag.TableError, match=r"no sheet .yours.\. It has mine"):
        ag.load_variants(tmp_path / "a.xlsx", sheet="yours")


VCF = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr22,length=50818468>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chr22\t36201698\trs1\tA\tC,G\t.\tPASS\t.\n"
    "22\t36201700\t.\tATG\tA,*\t.\tPASS\t.\n"
    "chr22\t36201800\t.\tA\t<DEL>\t.\tPASS\t.\n"
)


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz"])
def test_vcf_files_give_each_allele_its_own_variant(ag: Any, write: Any, name: str) -> None:
    content = gzip.compress(VCF.encode(), mtime=0) if name.endswith("gz") else VCF.encode()

    found = ag.load_variants(write(name, content))

    assert names(found) == ["chr22:36201698:A>C", "chr22:36201698:A>G", "chr22:36201700:ATG>A"]
    assert found.rows == [4, 4, 5]
    assert found[0].name == "rs1"
    assert found.table()["name"].tolist() == ["rs1", "rs1", ""]
    assert [problem.row for problem in found.problems] == [6]


@pytest.mark.parametrize(
    "line",
    [
        "##contig=<ID=chr1,length=249250621>",
        "##contig=<ID=1,assembly=b37,length=249250621>",
        "##reference=file:///data/hg19.fa",
        "##reference=GRCh37",
    ],
)
def test_another_assembly_is_refused_with_the_way_out(ag: Any, write: Any, line: str) -> None:
    with pytest.raises(ag.LiftoverError, match=r"hg19|GRCh37.*liftOver"):
        ag.load_variants(write("a.vcf", VCF.replace("##contig=<ID=chr22,length=50818468>", line)))


def test_positions_are_never_converted(ag: Any, write: Any) -> None:
    with pytest.raises(ag.LiftoverError, match=r"CrossMap or bcftools \+liftover"):
        ag.liftover([], source="hg19")
    with pytest.raises(ag.LiftoverError, match="hg19"):
        ag.load_variants(write("a.csv", HEADER + GOOD), assembly="hg19")
    with pytest.raises(ag.LiftoverError, match="hg19"):
        ag.load_variants(write("b.csv", "chrom,pos,ref,alt,build\nchr1,1000,A,C,hg19\n"))


def test_bed_rows_with_alleles_are_variants(ag: Any, write: Any) -> None:
    found = ag.load_variants(
        write("a.bed", "track name=x\nchr22\t36201697\t36201698\tA>C\nchr22\t9\t10\tpeak\n")
    )

    assert names(found) == ["chr22:36201698:A>C"]
    assert found.problems[0].row == 3


def test_bed_rows_are_regions(ag: Any, write: Any) -> None:
    text = "# mine\nchr22\t100\t200\tpeak\t0\t-\nchr22\t300\t300\nchrQ\t1\t2\n"

    found = ag.load_intervals(write("a.bed", text))

    (interval,) = found
    assert (interval.start, interval.end, interval.name, interval.strand) == (100, 200, "peak", "-")
    assert [(problem.row, problem.message) for problem in found.problems] == [
        (3, "its end is not behind its start."),
        (4, "hg38 has no chromosome 'chrQ'. Write it like chr22."),
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "gene,score\nAPOL4,1\n", "Its first row holds gene, score"),
        ("a.csv", HEADER + "chr99,1,A,C,\n", "First problem: row 2, chromosome 'chr99'"),
        ("a.csv", b"\x81\x00\xff\xff", "not a text file"),
        ("a.xlsx", "no workbook", "is not an Excel workbook"),
        ("a.xls", "old", "old Excel format"),
        ("a.pdf", "", "its ending is none of"),
        ("a.vcf.gz", b"\x1f\x8bbroken", "cannot be read"),
    ],
)
def test_a_file_without_variants_is_refused_by_name(
    ag: Any, write: Any, name: str, content: str | bytes, words: str
) -> None:
    with pytest.raises(ag.TableError, match=words) as refused:
        ag.load_variants(write(name, content))
    assert str(refused.value).startswith(name)


def test_strict_loading_stops_at_a_bad_row(ag: Any, write: Any) -> None:
    with pytest.raises(ag.TableError, match="1 rows cannot be used: row 3"):
        ag.load_variants(write("a.csv", HEADER + GOOD + "chr99,1,A,C,\n"), strict=True)


def test_the_rows_of_a_page_are_known_by_its_own_numbers(ag: Any, write: Any) -> None:
    table = "row\tline\tvariant\tname\n1\t2\tchr22:36201698:A>C\trs1\n2\t7\tchr22:36201699:A>T\t\n"

    found = ag.load_variants(write("a.tsv", table))

    assert found.keys() == {"chr22:36201698:A>C": 1, "chr22:36201699:A>T": 2}


def test_sequences_are_read_by_name(ag: Any, write: Any) -> None:
    path = write("a.fa", ">one first\nacgt\nNNAC\n>two\nGGG\r\n")

    assert ag.load_sequences(path) == {"one": "ACGTNNAC", "two": "GGG"}
    assert len(ag.fit_sequence("ACGT")) == 16_384
    assert ag.fit_sequence("ACGT").strip("N") == "ACGT"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ACGT", "not a FASTA file"),
        (">a\nACGU\n", "a: letter 4 is 'U'"),
        (">a\nA\n>a\nC\n", "a record has no name of its own"),
        (">a\n\n>b\nC\n", "a: the sequence is empty"),
    ],
)
def test_what_is_no_sequence_is_refused(ag: Any, write: Any, text: str, words: str) -> None:
    with pytest.raises(ag.TableError, match=words):
        ag.load_sequences(write("a.fa", text))


def test_reference_alleles_are_checked_against_a_genome(ag: Any, write: Any) -> None:
    reference = ag.open_reference(write("g.fa", ">chr22\nAACCGGTTAA\n"))
    asked = ["chr22:1:A>C", "chr22:3:G>C", "chr22:4:T>C", "chr22:5:C>T", "chr1:1:A>C"]

    wrong = ag.check_reference([ag.parse_variant(text) for text in asked], reference)

    assert list(wrong["variant"]) == asked[1:]
    assert list(wrong["genome"]) == ["C", "C", "G", ""]
    for message, words in zip(
        wrong["message"], ["other strand|swapped", "swapped", "other strand", "has no chr1"], strict=True
    ):
        assert any(word in message for word in words.split("|"))


def test_a_reference_that_cannot_be_read_is_refused(ag: Any, tmp_path: Path) -> None:
    with pytest.raises(ag.TableError, match="samtools faidx"):
        ag.open_reference(tmp_path / "nothing.fa")
