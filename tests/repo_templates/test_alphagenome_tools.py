"""The helper library on predictions whose answers are known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from alphagenome.data import genome
from alphagenome.models import dna_client

VARIANT = "chr22:36201698:A>C"


@pytest.fixture
def ag(library: None) -> Any:
    import alphagenome_tools

    return alphagenome_tools


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (VARIANT, "single-base substitution"),
        ("chr22:36,201,698:A>ATTC", "insertion of 3 bases"),
        ("chr22:36201698:AT>A", "deletion of 1 base"),
        ("chr22:36201698:AT>GC", "substitution of 2 bases"),
    ],
)
def test_variants_are_named_by_what_they_do(ag: Any, text: str, kind: str) -> None:
    assert ag.variant_kind(ag.parse_variant(text)) == kind


@pytest.mark.parametrize("text", ["chr22:36201698:A>", "APOL1", "chr22:36201698:A>A"])
def test_what_is_no_variant_is_refused_with_its_text(ag: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        ag.parse_variant(text)


def test_the_window_lies_around_the_variant(ag: Any) -> None:
    interval = ag.variant_interval(ag.parse_variant(VARIANT), 131_072)

    assert interval.width == 131_072
    assert abs(interval.center() - 36_201_697) <= 1


@pytest.mark.parametrize(
    ("variant", "start", "end"),
    [
        ("chr1:500:A>C", 0, 16_384),
        ("chr22:50818460:ATG>A", 50_818_468 - 16_384, 50_818_468),
        ("chrM:16000:A>C", 16_569 - 16_384, 16_569),
    ],
)
def test_the_window_does_not_leave_the_chromosome(ag: Any, variant: str, start: int, end: int) -> None:
    interval = ag.variant_interval(ag.parse_variant(variant), 16_384)

    assert (interval.start, interval.end) == (start, end)


def test_a_window_the_model_does_not_read_is_refused(ag: Any) -> None:
    with pytest.raises(ValueError, match=r"1000 bp.*16384"):
        ag.variant_interval(ag.parse_variant(VARIANT), 1000)


def test_a_region_gets_the_smallest_window_that_holds_it(ag: Any) -> None:
    region = ag.parse_region("chr22:36,180,000-36,270,000")

    window = ag.fit_interval(region)

    assert window.width == 131_072
    assert window.contains(region)


def test_a_region_beyond_the_largest_window_is_refused(ag: Any) -> None:
    with pytest.raises(ValueError, match="at most 1,048,576 bp"):
        ag.fit_interval(ag.parse_region("chr22:1000000-3000000"))


def test_outputs_are_named_as_the_client_names_them(ag: Any) -> None:
    assert ag.output_types(["DNASE"]) == [dna_client.OutputType.DNASE]
    with pytest.raises(ValueError, match="MAGIC"):
        ag.output_types(["RNA_SEQ", "MAGIC"])


def test_synthetic_answers_are_recognised(ag: Any, reference: Any, synthetic: Any) -> None:
    assert ag.is_synthetic(synthetic)
    assert ag.is_synthetic([reference, synthetic])
    assert not ag.is_synthetic(reference)
    assert ag.backend(synthetic) == "offline model (synthetic)"
    assert ag.backend(reference) == "AlphaGenome"


def test_the_assays_of_a_tissue_become_one_line(ag: Any, reference: Any) -> None:
    from alphagenome_tools.tracks import by_tissue

    lines = by_tissue(reference.rna_seq, "RNA_SEQ")

    assert list(lines.metadata["name"]) == [
        "transverse colon\nRNA-seq +",
        "transverse colon\nRNA-seq -",
        "liver\nRNA-seq +",
        "liver\nRNA-seq -",
    ]
    assert list(lines.metadata["tracks"]) == [2, 2, 2, 2]
    assert lines.values[65_536, 0] == pytest.approx(5.0)  # the mean of 9 and 1


def test_thinning_keeps_means_and_place(ag: Any, reference: Any) -> None:
    from alphagenome_tools.tracks import thinned

    thin = thinned(reference.dnase, width=90_000, points=1024)

    assert thin.resolution == 64
    assert 1024 <= 90_000 / thin.resolution < 2048
    assert thin.interval == reference.dnase.interval
    assert thin.values.mean() == pytest.approx(reference.dnase.values.mean(), rel=1e-5)


def test_the_summary_finds_the_peak(ag: Any, reference: Any) -> None:
    summary = ag.summary_table(reference)

    colon = summary[(summary["tissue"] == "transverse colon") & (summary["measure"] == "DNase-seq")].iloc[0]
    assert colon["highest"] == pytest.approx(8.5)
    assert colon["peak"] == 36_136_162 + 65_500
    assert colon["unit"] == "insertion signal"


def test_the_comparison_puts_the_largest_change_first(ag: Any, reference: Any, alternate: Any) -> None:
    around = genome.Interval("chr22", 36_140_000, 36_140_512)

    table = ag.create_comparison_table(reference, alternate, around)

    assert table.iloc[0]["measure"] == "RNA-seq"
    assert table.iloc[0]["log2_change"] == pytest.approx(1.0, abs=0.01)
    assert table.iloc[-1]["measure"] == "DNase-seq"
    assert table.iloc[-1]["log2_change"] == 0


def test_the_matrix_shows_the_strongest_score_with_its_sign(ag: Any) -> None:
    table = pd.DataFrame(
        {
            "measure": ["CAGE", "CAGE", "RNA-seq", "RNA-seq"],
            "tissue": ["liver", "liver", "colon", "liver"],
            "score": [0.5, -2.0, 1.0, np.nan],
        }
    )

    matrix = ag.score_matrix(table)

    assert matrix.loc["CAGE", "liver"] == -2.0
    assert np.isnan(matrix.loc["CAGE", "colon"])
    assert np.isnan(matrix.loc["RNA-seq", "liver"])


def test_synthetic_figures_say_so(ag: Any, synthetic: Any, reference: Any) -> None:
    def words(figure: Any) -> str:
        return " ".join([text.get_text() for text in figure.texts] + [figure.get_supxlabel()])

    assert "synthetic: offline model" in words(ag.quick_plot(synthetic))
    assert "synthetic" not in words(ag.quick_plot(reference)).lower()


def test_the_comparison_figure_shows_both_alleles_of_each_line(
    ag: Any, reference: Any, alternate: Any
) -> None:
    figure = ag.plot_variant_comparison(reference, alternate, ag.parse_variant(VARIANT), title="APOL4")

    assert figure.axes[0].get_title(loc="left") == "APOL4"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["reference", "alternate"]
    assert len(figure.axes) == 6
    assert all(len(axes.lines) == 2 for axes in figure.axes)
    assert figure.axes[-1].get_xlim()[1] - figure.axes[-1].get_xlim()[0] == 4096


def test_lines_that_are_not_drawn_are_counted(ag: Any, reference: Any) -> None:
    figure = ag.quick_plot(reference, max_tracks=2)

    assert len(figure.axes) == 2
    assert "4 more lines are not drawn" in figure.axes[-1].get_xlabel()


@pytest.mark.parametrize("position", [1, 36_136_200, 36_201_698, 36_267_200])
def test_the_close_up_stays_inside_the_window(ag: Any, reference: Any, position: int) -> None:
    from alphagenome_tools.figures import close_up

    shown = close_up(genome.Variant("chr22", position, "A", "C"), reference.dnase.interval, 4000)

    assert shown.width == 3968
    assert reference.dnase.interval.contains(shown)
    assert (shown.start - reference.dnase.interval.start) % 128 == 0


def test_results_are_tables_pictures_and_what_they_came_from(ag: Any, reference: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"tissue": ["liver"], "score": [0.123456789]})
    results = {"scores": table, "tracks": ag.quick_plot(reference)}

    saved = ag.save_results(results, "a variant", tmp_path / "results", details={"variant": VARIANT})

    assert re.fullmatch(r"\d{8}-\d{6}_a_variant", saved.folder.name)
    names = ["scores.csv", "scores.json", "tracks.png", "tracks.svg", "tracks.pdf", "about.json"]
    assert [path.name for path in saved.paths] == names
    assert saved.paths[0].read_text() == "tissue,score\nliver,0.123457\n"
    assert json.loads(saved.paths[1].read_text()) == [{"tissue": "liver", "score": 0.123457}]
    assert saved.paths[2].read_bytes().startswith(b"\x89PNG")
    assert saved.paths[4].read_bytes().startswith(b"%PDF")
    about = json.loads(saved.paths[-1].read_text())
    assert (about["alphagenome_client"], about["variant"]) == ("0.10.0", VARIANT)
    assert "non-commercial" in about["note"]


def test_equal_figures_are_equal_files(ag: Any, reference: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ag.save_figure(ag.quick_plot(reference), tmp_path / name / "tracks", ["svg", "pdf"])

    for kind in ("svg", "pdf"):
        assert (tmp_path / f"one/tracks.{kind}").read_bytes() == (
            tmp_path / f"two/tracks.{kind}"
        ).read_bytes()


def test_connecting_without_a_key_says_what_to_set(ag: Any) -> None:
    with pytest.raises(RuntimeError, match="ALPHAGENOME_API_KEY"):
        ag.connect(environment={})


def test_connecting_to_nothing_ends_in_words(ag: Any) -> None:
    nowhere = {"ALPHAGENOME_ADDRESS": "127.0.0.1:1", "ALPHA_GENOME_API_KEY": "key"}

    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:1 did not answer within 0\.2 s"):
        ag.connect(timeout=0.2, environment=nowhere)


def test_the_notice_is_the_one_that_belongs(ag: Any, reference: Any, synthetic: Any) -> None:
    assert ag.notice(synthetic).text.startswith("Synthetic figures.")
    assert "non-commercial" in ag.notice(reference)._repr_html_()
