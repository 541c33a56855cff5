"""The formats of the field: what is typed, and the one form that it is kept in."""

from __future__ import annotations

import pytest

from workspace_api.genomes import CHROMOSOMES
from workspace_api.worksheets.formats import FORMATS, FormatError

MM10 = {"x-assembly": "mm10"}
WINDOWS = {"x-lengths": [16_384, 131_072]}


def proper(form: str, text: str, **more) -> str:
    return FORMATS[form](text, more)


def refusal(form: str, text: str, **more) -> str:
    with pytest.raises(FormatError) as refused:
        proper(form, text, **more)
    return str(refused.value)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("chr22:36201698:A>C", "chr22:36201698:A>C"),
        ("22:36201698:A>C", "chr22:36201698:A>C"),
        ("chr22:36,201,698:A>C", "chr22:36201698:A>C"),
        ("chr22:36_201_698:A>C", "chr22:36201698:A>C"),
        ("CHR22:36201698:a>c", "chr22:36201698:A>C"),
        ("chr22:36201698:A:C", "chr22:36201698:A>C"),
        ("chr22:36201698:A/C", "chr22:36201698:A>C"),
        ("  chr22 : 36 201 698 : A > C\n", "chr22:36201698:A>C"),
        ("chr22 36201698 A>C", "chr22:36201698:A>C"),
        ("22-36201698-A-C", "chr22:36201698:A>C"),
        ("chrx:1:A>G", "chrX:1:A>G"),
        ("chrM:16569:T>C", "chrM:16569:T>C"),
        ("MT:1:g>a", "chrM:1:G>A"),
        ("chr1:1:A>ATTT", "chr1:1:A>ATTT"),
        ("chr1:1:ACGT>A", "chr1:1:ACGT>A"),
    ],
)
def test_a_variant_has_one_proper_form(typed, kept):
    assert proper("genomic-variant", typed) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ["variant is missing", "chr22:36201698:A>C"]),
        ("22-36201698-A-", ["alternate allele is missing"]),
        ("   ", ["variant is missing"]),
        ("rs4646437", ["“rs4646437” is not a variant", "chr22:36201698:A>C"]),
        ("chr22:,:A>C", ["“chr22:,:A>C” is not a variant"]),
        ("chr22:٣:A>C", ["is not a variant"]),
        ("chr22:-5:A>C", ["is not a variant"]),
        ("chr22:36201698:A>", ["alternate allele is missing"]),
        ("chr22:36201698:>C", ["reference allele is missing"]),
        ("chr22:36201698:A>U", ["alternate allele “U”", "A, C, G and T"]),
        ("chr22:36201698:N>C", ["reference allele “N”", "A, C, G and T"]),
        ("chr22:36201698:A>A", ["same as the reference, “A”", "Change one"]),
        ("chr22:36201698:a>A", ["same as the reference, “A”"]),
        ("chr23:1:A>C", ["hg38 has no chromosome “chr23”", "chr1 to chr22, chrX, chrY and chrM"]),
        ("chr22:0:A>C", ["counted from 1"]),
        ("chr22:50818469:A>C", ["chr22 ends at 50,818,468; 50,818,469 lies beyond it"]),
        ("chr22:50818467:ACG>A", ["50,818,469 lies beyond it"]),
        ("chr22:1111111111111:A>C", ["“1111111111111” is beyond every chromosome"]),
    ],
)
def test_a_wrong_variant_is_told_with_the_value_and_the_remedy(typed, words):
    message = refusal("genomic-variant", typed)

    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize("assembly", ["hg38", "mm10"])
@pytest.mark.parametrize("form", ["genomic-variant", "genomic-interval"])
def test_every_chromosome_reaches_to_its_last_base_and_no_further(assembly, form):
    def written(name: str, last: int) -> str:
        return f"{name}:{last}:A>C" if form == "genomic-variant" else f"{name}:{last - 1}-{last}"

    for name, length in CHROMOSOMES[assembly].items():
        assert proper(form, written(name, length), **{"x-assembly": assembly}) == written(name, length)
        assert f"ends at {length:,}" in refusal(form, written(name, length + 1), **{"x-assembly": assembly})


def test_the_mouse_has_its_own_chromosomes():
    assert proper("genomic-variant", "chr19:61431566:A>C", **MM10) == "chr19:61431566:A>C"
    assert "chr1 to chr19, chrX, chrY and chrM" in refusal("genomic-variant", "chr22:1:A>C", **MM10)


@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("filler", [" ", "1 ", "chr1:", "(", "1,", "A"])
def test_long_nonsense_is_judged_at_once(form, filler):
    text = f"chr1{filler * 200_000}!"

    try:
        assert len(proper(form, text)) > len(filler)
    except FormatError as refused:
        assert len(str(refused)) < 500


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("chr22:35677410-36725986", "chr22:35677410-36725986"),
        ("22:35,677,410-36,725,986", "chr22:35677410-36725986"),
        ("chr22:35677410..36725986", "chr22:35677410-36725986"),
        ("chr22 : 35677410 – 36725986 ", "chr22:35677410-36725986"),
        ("mt:0-16569", "chrM:0-16569"),
        ("ChrY:0-1", "chrY:0-1"),
    ],
)
def test_a_region_has_one_proper_form(typed, kept):
    assert proper("genomic-interval", typed) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ["is not a region", "chr22:35677410-36725986"]),
        ("chr22", ["“chr22” is not a region"]),
        ("chr22:,-,", ["“chr22:,-,” is not a region"]),
        ("chr22:5-5", ["The end, 5, must lie after the start, 5"]),
        ("chr22:1,000-10", ["The end, 10, must lie after the start, 1,000"]),
        ("chr22:0-50818469", ["chr22 ends at 50,818,468; 50,818,469 lies beyond it"]),
        ("chrZ:0-1", ["hg38 has no chromosome “chrZ”"]),
        ("chr22:1-9999999999999", ["beyond every chromosome"]),
    ],
)
def test_a_wrong_region_is_told_with_the_value_and_the_remedy(typed, words):
    message = refusal("genomic-interval", typed)

    assert [word for word in words if word not in message] == []


def test_a_region_has_one_of_the_lengths_that_are_allowed():
    assert proper("genomic-interval", "chr1:0-16384", **WINDOWS) == "chr1:0-16384"
    message = refusal("genomic-interval", "chr1:0-16385", **WINDOWS)

    assert message == "The region is 16,385 bp long. Supported lengths are 16,384, 131,072 bp."


def test_a_region_is_no_longer_than_what_is_allowed():
    assert proper("genomic-interval", "chr1:0-100", **{"x-max-length": 100}) == "chr1:0-100"
    message = refusal("genomic-interval", "chr1:0-101", **{"x-max-length": 100})

    assert message == "The region is 101 bp long. At most 100 bp are supported."


@pytest.mark.parametrize(
    "typed",
    ["UBERON:0001157", " UBERON:0001157 ", "uberon:0001157", "Uberon:0001157", "colon (UBERON:0001157)"],
)
def test_a_term_is_kept_as_its_curie(typed):
    assert proper("ontology-term", typed) == "UBERON:0001157"


@pytest.mark.parametrize("prefix", ["UBERON", "CL", "CLO", "EFO", "NTR"])
def test_terms_come_from_five_ontologies(prefix):
    assert proper("ontology-term", f"{prefix}:0000001") == f"{prefix}:0000001"


@pytest.mark.parametrize(
    "typed", ["", "colon", "GO:0008150", "UBERON:", "UBERON:x", "UBERON:٠١", "UBERON 1157"]
)
def test_what_is_no_term_is_told_with_the_value_and_the_remedy(typed):
    message = refusal("ontology-term", typed)

    assert f"“{typed}” is not an ontology term" in message
    assert "UBERON:0001157" in message


def test_a_sequence_is_kept_in_capitals_without_white_space():
    assert proper("dna-sequence", " acgt\r\nNNN ggg\n") == "ACGTNNNGGG"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "The sequence is missing."),
        (" \n", "The sequence is missing."),
        ("ACGU", "A sequence may hold only A, C, G, T and N; letter 4 is “U”."),
        (">name\nACGT", "A sequence may hold only A, C, G, T and N; letter 1 is “>”."),
    ],
)
def test_a_wrong_sequence_is_told_with_the_first_wrong_letter(typed, words):
    assert refusal("dna-sequence", typed) == words


def test_a_sequence_has_one_of_the_lengths_that_are_allowed():
    message = refusal("dna-sequence", "ACGT", **WINDOWS)

    assert message == "The sequence is 4 bp long. Supported lengths are 16,384, 131,072 bp."


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("data/table.csv", "~/data/table.csv"),
        (" table.csv ", "~/table.csv"),
        ("~/table.csv", "~/table.csv"),
        ("/home/jovyan/table.csv", "~/table.csv"),
        ("./data//table.csv", "~/data/table.csv"),
        ("/shared/genomics/table.csv", "/shared/genomics/table.csv"),
        ("my table (1).csv", "~/my table (1).csv"),
        ("a..b.csv", "~/a..b.csv"),
    ],
)
def test_a_file_lies_below_the_home_or_below_shared(typed, kept):
    assert proper("file", typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", ".", "~/", "/", "/etc/passwd", "/shared", "/shared/", "/sharedx/a", "//shared/a", "../a",
     "a/../../b", "/shared/../etc/passwd", "a\0b", "a\nb", "~/../a"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(typed):
    message = refusal("file", typed)

    assert f"“{typed}” is not a file you can choose" in message
    assert "below your home, or below /shared" in message
