"""The figures of the template's library: what they show, say and refuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from alphagenome.data import genome, junction_data, track_data
from matplotlib.patches import PathPatch

from workspace_api.alphagenome.offline.genes import KNOWN

REGION = genome.Interval("chr22", 36_180_000, 36_260_000)
VARIANT = genome.Variant("chr22", 36_201_698, "A", "C")
LEGIBLE_POINTS = 7  # the least that journals print


@pytest.fixture
def ag(library: None) -> Iterator[Any]:
    import alphagenome_tools

    yield alphagenome_tools
    plt.close("all")


def words(figure: Any) -> str:
    """All that is written in a figure."""
    return " | ".join(text.get_text() for text in figure.findobj(plt.Text))


@pytest.fixture
def structure(reference: Any) -> Any:
    """The reference prediction with splice junctions and a contact map."""
    interval = reference.dnase.interval
    terms = pd.DataFrame(
        {
            "name": ["UBERON:0001157 junctions", "UBERON:0002107 junctions"],
            "ontology_curie": ["UBERON:0001157", "UBERON:0002107"],
            "biosample_name": ["transverse colon", "liver"],
            "data_source": "ENCODE",
        }
    )
    places = [
        genome.Junction("chr22", 36_190_000, 36_195_000, "-"),
        genome.Junction("chr22", 36_196_000, 36_204_000, "-"),
    ]
    junctions = junction_data.JunctionData(
        np.array(places), np.array([[3.0, 1.0], [1.0, 1.0]], np.float32), terms, interval
    )
    maps = track_data.TrackData(
        np.full((64, 64, 1), 0.5, np.float32),
        pd.DataFrame({"name": ["Hi-C"], "strand": ["."], "biosample_name": ["liver"], "data_source": "4DN"}),
        resolution=2048,
        interval=interval,
    )
    return dataclasses.replace(reference, splice_junctions=junctions, contact_maps=maps)


def test_the_example_genes_are_those_of_the_offline_model(ag: Any) -> None:
    from alphagenome_tools.annotation import SYNTHETIC_GENES

    table = ag.load_annotation(SYNTHETIC_GENES)

    ours = {
        (row.gene_name, row.Chromosome, row.Start, row.End, row.Strand)
        for row in table[table["Feature"] == "gene"].itertuples()
    }
    assert ours == {(g.name, g.chromosome, g.start, g.end, "+" if g.forward else "-") for g in KNOWN}
    exons = table[(table["Feature"] == "exon") & (table["gene_name"] == "APOL1")]
    apol1 = next(gene for gene in KNOWN if gene.name == "APOL1")
    assert list(zip(exons["Start"], exons["End"], strict=True)) == list(apol1.exons)


def test_genes_come_from_an_annotation_or_from_the_offline_model_alone(ag: Any) -> None:
    drawn = [gene.info["gene_name"] for gene in ag.genes_in(REGION, synthetic=True)]

    assert drawn == ["APOL4", "APOL2", "APOL1"]
    assert ag.genes_in(REGION) == []
    assert ag.gene_region("APOL1").start == 36_253_071
    with pytest.raises(ValueError, match="no gene 'NOSUCH'"):
        ag.gene_region("NOSUCH")


def test_annotations_are_read_as_gtf_and_as_the_client_s_own_feather(ag: Any, tmp_path: Path) -> None:
    from alphagenome_tools.annotation import SYNTHETIC_GENES

    table = ag.load_annotation(SYNTHETIC_GENES, "chr22")
    table.to_feather(tmp_path / "a.feather")

    assert len(ag.load_annotation(tmp_path / "a.feather", "chr22")) == len(table)
    table.drop(columns="gene_name").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ag.TableError, match="lacks gene_name"):
        ag.load_annotation(tmp_path / "b.parquet")
    with pytest.raises(ag.TableError, match=r"none of \.gtf"):
        ag.load_annotation(tmp_path / "c.gff3")


def test_a_quick_plot_has_title_units_and_genes(ag: Any, reference: Any) -> None:
    genes = ag.genes_in(REGION, synthetic=True)

    figure = ag.quick_plot(reference, (6, 5), region=REGION, genes=genes, title="APOL locus")

    assert figure.axes[0].get_title(loc="left") == "APOL locus"
    assert "RNA-seq: read signal; DNase-seq: insertion signal" in words(figure)
    assert "APOL4" in words(figure)
    assert tuple(figure.get_size_inches()) == (6, 5)
    assert len(figure.axes) == 1 + 4 + 2


def test_every_measure_gets_some_of_the_lines(ag: Any, reference: Any) -> None:
    from alphagenome_tools.figures import shared_out

    assert shared_out([4, 2], 3) == [2, 1]
    assert shared_out([1, 8, 0], 5) == [1, 4, 0]
    assert shared_out([1, 1], 12) == [1, 1]
    assert "liver\nRNA-seq -" not in words(ag.quick_plot(reference, max_tracks=3))


def test_splicing_shows_each_tissue_and_strand_and_both_alleles(ag: Any, structure: Any) -> None:
    figure = ag.plot_splicing(
        structure, alternate=structure, region=REGION, variant=VARIANT, title="splicing"
    )

    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == [
        "transverse colon\nreference -",
        "transverse colon\nalternate -",
        "liver\nreference -",
        "liver\nalternate -",
    ]
    arcs = [[patch for patch in axes.patches if isinstance(patch, PathPatch)] for axes in figure.axes]
    assert [len(of_line) for of_line in arcs] == [2, 2, 2, 2]
    assert figure.axes[0].get_title(loc="left") == "splicing"


def test_contacts_are_drawn_around_zero_and_as_a_change(ag: Any, structure: Any) -> None:
    alone = ag.plot_contact_map(structure, region=REGION)
    other = dataclasses.replace(
        structure,
        contact_maps=dataclasses.replace(structure.contact_maps, values=np.zeros((64, 64, 1), np.float32)),
    )
    change = ag.plot_contact_map(structure, alternate=other)

    assert alone.axes[0].collections[0].get_clim() == (-0.5, 0.5)
    assert "log fold over distance expectation" in words(alone)
    assert change.axes[0].collections[0].get_array().min() == -0.5
    assert "alternate − reference" in words(change)


def test_the_combined_figure_holds_everything(ag: Any, structure: Any) -> None:
    genes = ag.genes_in(REGION, synthetic=True)

    figure = ag.plot_combined(structure, region=REGION, genes=genes, intervals=[REGION], title="all")

    assert len(figure.axes) == 1 + 6 + 1 + 1
    assert "contacts" in figure.axes[-1].get_ylabel()
    assert "synthetic" not in words(figure).lower()


def test_expression_is_drawn_by_gene_and_tissue(ag: Any, reference: Any) -> None:
    genes = ag.genes_in(REGION, synthetic=True)

    figure = ag.plot_expression_heatmap(reference, genes=genes)

    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["APOL4", "APOL2", "APOL1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["transverse\ncolon", "liver"]
    assert np.allclose(axes.images[0].get_array(), 1.0, atol=0.1)  # log2(1 + 1)
    assert "mean RNA-seq signal" in words(figure)


def test_expression_is_drawn_along_a_region_without_genes(ag: Any, reference: Any) -> None:
    figure = ag.plot_expression_heatmap(reference)

    assert figure.axes[0].images[0].get_array().shape == (2, 48)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["transverse colon", "liver"]


def batch(count: int = 30) -> pd.DataFrame:
    quantiles = np.linspace(0.99, 0.01, count)
    table = pd.DataFrame(
        {
            "rank": range(1, count + 1),
            "variant": [f"chr{1 + index % 5}:{10_000_000 + index}:A>C" for index in range(count)],
            "measure": ["RNA-seq", "DNase-seq"] * (count // 2),
            "tissue": "liver",
            "gene": ["APOL4", None] * (count // 2),
            "score": quantiles,
            "quantile": quantiles,
        }
    )
    places = table["variant"].str.extract(r"(?P<chromosome>chr\d+):(?P<position>\d+)")
    return table.assign(chromosome=places["chromosome"], position=places["position"].astype(int))


def test_a_batch_is_drawn_along_the_genome_and_by_rarity(ag: Any) -> None:
    figure = ag.plot_batch_summary(batch(), title="thirty variants", synthetic=True)

    along, volcano = figure.axes[:2]
    assert [label.get_text() for label in along.get_xticklabels()] == ["1", "2", "3", "4", "5"]
    assert sum(len(points.get_offsets()) for points in along.collections) == 30
    assert "−log10(1 − |quantile|)" in volcano.get_ylabel()
    top = max(points.get_offsets()[:, 1].max() for points in volcano.collections)
    assert top == pytest.approx(2.0)
    assert "1 APOL4" in words(figure)
    assert "synthetic: offline model" in words(figure)


def test_a_batch_of_one_chromosome_shows_positions(ag: Any) -> None:
    table = batch().assign(chromosome="chr3")

    figure = ag.plot_batch_summary(table)

    assert figure.axes[0].get_xlabel() == "position on chr3 (bp)"
    with pytest.raises(ValueError, match="nothing to draw"):
        ag.plot_batch_summary(table.head(0))


@pytest.mark.parametrize("kind", ["quick plot", "combined", "expression", "splicing", "contacts", "batch"])
def test_text_stays_legible_at_the_width_of_a_journals_column(ag: Any, structure: Any, kind: str) -> None:
    from alphagenome_tools.style import COLUMN_INCHES

    genes = ag.genes_in(REGION, synthetic=True)
    figure = {
        "quick plot": lambda: ag.quick_plot(structure, region=REGION, genes=genes, title="APOL locus"),
        "combined": lambda: ag.plot_combined(structure, region=REGION, genes=genes, title="all"),
        "expression": lambda: ag.plot_expression_heatmap(structure, genes=genes),
        "splicing": lambda: ag.plot_splicing(structure, alternate=structure, region=REGION, variant=VARIANT),
        "contacts": lambda: ag.plot_contact_map(structure, region=REGION),
        "batch": lambda: ag.plot_batch_summary(batch(), title="thirty variants"),
    }[kind]()

    printed = min(1.0, COLUMN_INCHES / figure.get_size_inches()[0])
    sizes = {
        text.get_text(): printed * text.get_fontsize()
        for text in figure.findobj(plt.Text)
        if text.get_text().strip() and text.get_visible()
    }
    assert sizes
    assert {text: size for text, size in sizes.items() if size < LEGIBLE_POINTS} == {}


def test_a_logo_shows_the_bases_that_matter(ag: Any) -> None:
    stretch = genome.Interval("chr22", 100, 103)
    changes = pd.DataFrame(
        [
            {"variant": f"chr22:{101 + place}:{base}>{other}", "score": -1.0 if place == 1 else 0.0}
            for place, base in enumerate("ACG")
            for other in "ACGT".replace(base, "")
        ]
    )

    figure = ag.plot_logo(changes, stretch, title="bases", synthetic=True)

    assert figure.axes[0].get_ylim()[1] >= 1.0
    assert figure.axes[0].get_xlim() == (100, 103)
    assert "SYNTHETIC" in words(figure)


def test_scores_of_a_mutagenesis_become_the_client_s_table(ag: Any) -> None:
    scorer = ag.scorers_for(["DNASE"])[0]
    tracks = pd.DataFrame({"name": ["a"], "strand": ["."], "ontology_curie": ["UBERON:0002107"]}, index=["0"])
    scores = anndata.AnnData(np.ones((1, 1), np.float32), var=tracks)
    scores.uns.update({"interval": REGION, "variant": VARIANT})

    table = ag.tidy_changes([[scores]], [scorer])

    assert table["raw_score"].tolist() == [1.0]
    assert table["output_type"].tolist() == ["DNASE"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("plot_splicing", "SPLICE_JUNCTIONS"),
        ("plot_contact_map", "CONTACT_MAPS"),
    ],
)
def test_what_was_not_predicted_cannot_be_drawn(ag: Any, reference: Any, figure: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(ag, figure)(reference)


def test_the_functions_have_the_names_that_people_know(ag: Any) -> None:
    from alphagenome_tools import helpers, visualization

    assert {
        "batch_predict_variants",
        "load_variants_from_csv",
        "save_results",
        "export_to_excel",
        "create_comparison_table",
    } <= set(helpers.__all__)
    assert {"quick_plot", "plot_variant_comparison", "plot_batch_summary", "plot_expression_heatmap"} <= set(
        visualization.__all__
    )
    assert all(
        getattr(module, name) is getattr(ag, name)
        for module in (helpers, visualization)
        for name in module.__all__
    )
