"""Files for other programs, read back by the programs' own libraries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyBigWig
import pytest
from alphagenome.data import genome


@pytest.fixture
def ag(library: None) -> Any:
    import alphagenome_tools

    return alphagenome_tools


RANKED = pd.DataFrame(
    {
        "variant": ["chr22:20:A>C", "chr2:10:ATG>A"],
        "chromosome": ["chr22", "chr2"],
        "position": [20, 10],
        "measure": ["RNA-seq", "DNase-seq"],
        "tissue": ["transverse colon", "liver; left"],
        "gene": ["APOL4", None],
        "score": [0.5, -1.25],
        "quantile": [0.9, np.nan],
    }
)


def test_excel_keeps_texts_as_texts(ag: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"gene": ["SEPT2", "=1+1", None], "score": [1.5, np.nan, np.inf], "n": [1, 2, 3]})

    path = ag.export_to_excel({"scores": table, "scores/2": table, "x" * 40: table}, tmp_path / "a")

    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["scores", "scores-2", "x" * 31]
    rows = list(book["scores"].values)
    assert rows == [("gene", "score", "n"), ("SEPT2", 1.5, 1), ("=1+1", None, 2), (None, None, 3)]
    assert book["scores"]["A3"].data_type == "s"


def test_excel_sheets_have_names_of_their_own(ag: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1]})

    path = ag.export_to_excel({"A": table, "a": table, "a?": table}, tmp_path / "b.xlsx")

    assert openpyxl.load_workbook(path).sheetnames == ["A", "a 2", "a-"]
    with pytest.raises(ValueError, match="no tables"):
        ag.export_to_excel({}, tmp_path / "c.xlsx")


def test_a_sheet_is_never_cut(ag: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"a": np.zeros(1_048_576)})

    with pytest.raises(ValueError, match=r"1,048,576 rows; a sheet holds 1,048,575\. Save it as CSV"):
        ag.export_to_excel(table, tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_tracks_become_bigwig_files_of_the_same_values(ag: Any, reference: Any, tmp_path: Path) -> None:
    paths = ag.export_bigwig(reference.dnase, tmp_path / "bw" / "dnase")

    assert [path.name for path in paths] == [
        "dnase_01_UBERON_0001157_assay_0.bw",
        "dnase_02_UBERON_0002107_assay_0.bw",
    ]
    with pyBigWig.open(str(paths[0])) as file:
        assert file.chroms() == {"chr22": 50_818_468}
        values = file.values("chr22", 36_136_162, 36_267_234, numpy=True)
    assert np.array_equal(values, reference.dnase.values[:, 0])


def test_coarse_tracks_keep_their_resolution(ag: Any, reference: Any, tmp_path: Path) -> None:
    coarse = reference.dnase.downsample(128)

    (path, _) = ag.export_bigwig(coarse, tmp_path / "coarse")

    with pyBigWig.open(str(path)) as file:
        (start, end, value) = file.intervals("chr22", 36_136_162, 36_136_163)[0]
    assert (end - start, value) == (128, coarse.values[0, 0])


def test_intervals_become_bed_rows(ag: Any, tmp_path: Path) -> None:
    rows = [genome.Interval("chr1", 5, 9, "+", "a peak"), genome.Interval("chr1", 7, 8)]

    path = ag.export_bed(rows, tmp_path / "a.bed", scores=[-0.5, np.nan], title="synthetic")

    assert path.read_text().splitlines() == [
        'track name="synthetic" description="synthetic"',
        "chr1\t5\t9\ta_peak\t500\t+",
        "chr1\t7\t8\t.\t0\t.",
    ]
    assert len(ag.load_intervals(path)) == 2


def test_a_ranking_becomes_vcf_in_the_order_of_places(ag: Any, tmp_path: Path) -> None:
    path = ag.export_vcf(
        RANKED, tmp_path / "a.vcf", model="offline model (synthetic)", names={"chr22:20:A>C": "rs1"}
    )

    lines = path.read_text().splitlines()
    first, second = [line.split("\t") for line in lines if not line.startswith("#")]
    assert lines[1] == "##source=offline model (synthetic)"
    assert first[:7] == ["chr2", "10", ".", "ATG", "A", ".", "."]
    assert first[7] == "AG_SCORE=-1.25;AG_MEASURE=DNase-seq;AG_TISSUE=liver_left;AG_SYNTHETIC"
    assert second[:5] == ["chr22", "20", "rs1", "A", "C"]
    assert second[7].split(";") == [
        "AG_SCORE=0.5",
        "AG_QUANTILE=0.9",
        "AG_MEASURE=RNA-seq",
        "AG_TISSUE=transverse_colon",
        "AG_GENE=APOL4",
        "AG_SYNTHETIC",
    ]
    assert [str(one) for one in ag.load_variants(path)] == ["chr2:10:ATG>A", "chr22:20:A>C"]
    real = ag.export_vcf(RANKED, tmp_path / "b.vcf", model="AlphaGenome").read_text()
    assert "AG_SYNTHETIC\n" not in real


def test_a_report_is_one_page_that_is_safe(ag: Any, reference: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"gene": ["<script>alert(1)</script>"], "score": [0.123456]})
    parts = {"Scores": table, "Tracks": ag.quick_plot(reference), "Said": "<b>bold</b>"}

    page = ag.export_html(parts, tmp_path / "r.html", title="A & B", note="Synthetic figures.").read_text()

    assert "<script>" not in page
    assert "<b>" not in page
    assert page.count("data:image/png;base64,") == 1
    assert "<h1>A &amp; B</h1>" in page
    assert "Synthetic figures." in page
    assert "0.1235" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []


def test_tables_become_json_rows(ag: Any, tmp_path: Path) -> None:
    rows = json.loads(ag.export_json(RANKED, tmp_path / "a.json").read_text())

    assert rows[1]["score"] == -1.25
    assert rows[1]["gene"] is None


def test_predictions_are_kept_as_tracks_and_a_table(ag: Any, synthetic: Any, tmp_path: Path) -> None:
    saved = ag.save_results({"prediction": synthetic, "note.txt": "mine"}, "x", tmp_path)

    assert {path.name for path in saved.paths} == {
        "about.json",
        "note.txt",
        "prediction_tracks.csv",
        "prediction_dnase_01_UBERON_0001157_assay_0.bw",
        "prediction_dnase_02_UBERON_0002107_assay_0.bw",
    }
    about = json.loads((saved.folder / "about.json").read_text())
    assert about["model"] == "offline model (synthetic)"
    assert about["note"].startswith("Synthetic figures.")
    assert "- `prediction_tracks`: csv" in saved._repr_markdown_()


def test_scores_are_kept_as_anndata(ag: Any, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    scores = anndata.AnnData(
        np.ones((1, 2), np.float32), var=pd.DataFrame({"name": ["a", "b"]}, index=["0", "1"])
    )
    scores.uns["variant"] = genome.Variant("chr1", 5, "A", "C")

    saved = ag.save_results({"scores": [scores]}, "x", tmp_path)

    read = anndata.read_h5ad(saved.folder / "scores_1.h5ad")
    assert read.uns["variant"] == "chr1:5:A>C"
    assert read.X.tolist() == [[1.0, 1.0]]


def test_each_time_has_a_folder_of_its_own(ag: Any, tmp_path: Path) -> None:
    folders = {ag.result_folder("a/b c", tmp_path) for _ in range(3)}

    assert len(folders) == 3
    assert all(re.fullmatch(r"\d{8}-\d{6}_a_b_c(-\d)?", folder.name) for folder in folders)
    assert all(folder.parent == tmp_path for folder in folders)


def test_other_kinds_of_pictures_are_refused(ag: Any, reference: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not written as tiff"):
        ag.save_figure(ag.quick_plot(reference), tmp_path / "a", ["tiff"])
