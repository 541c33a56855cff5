"""What the client gets from the offline model: all that it knows how to ask for, in AlphaGenome's shapes."""

from __future__ import annotations

import numpy as np
import pytest
from alphagenome.data import genome
from alphagenome.models import dna_client, interval_scorers, variant_scorers
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from tests.alphagenome.asking import Client
from tests.alphagenome.conftest import COLON, INTERVAL, LIVER, VARIANT, WIDTH
from workspace_api.alphagenome.offline.genes import genes_in
from workspace_api.genomes import SUPPORTED_LENGTHS

HUMAN, MOUSE = dna_client.Organism.HOMO_SAPIENS, dna_client.Organism.MUS_MUSCULUS
OUTPUTS = tuple(dna_client.OutputType)
RESOLUTIONS = {"CHIP_HISTONE": 128, "CHIP_TF": 128, "CONTACT_MAPS": 2048}
TRACKS = {  # human and mouse: AlphaGenome's documentation
    "ATAC": (167, 18),
    "CAGE": (546, 188),
    "DNASE": (305, 67),
    "RNA_SEQ": (667, 173),
    "CHIP_HISTONE": (1116, 183),
    "CHIP_TF": (1617, 127),
    "SPLICE_SITES": (4, 4),
    "SPLICE_SITE_USAGE": (734, 180),
    "SPLICE_JUNCTIONS": (367, 90),
    "CONTACT_MAPS": (28, 8),
    "PROCAP": (12, 0),
}
SCORERS = variant_scorers.RECOMMENDED_VARIANT_SCORERS
GENE_MASKED = interval_scorers.SUPPORTED_OUTPUT_TYPES[interval_scorers.BaseIntervalScorer.GENE_MASK]
BY_GENE = ("RNA_SEQ", "SPLICE_SITES", "SPLICE_SITE_USAGE", "POLYADENYLATION")


def expected_shape(output: str, length: int, tracks: int) -> tuple[int, ...]:
    bins = length // RESOLUTIONS.get(output, 1)
    return (bins, bins, tracks) if output == "CONTACT_MAPS" else (bins, tracks)


@pytest.fixture(scope="module")
def scores(client: Client) -> dict:
    """The variant's scores by every recommended scorer, in a window with genes."""
    interval = VARIANT.reference_interval.resize(131_072)
    answers = client.score_variant(interval, VARIANT, list(SCORERS.values()))
    return dict(zip(SCORERS, answers, strict=True))


@pytest.mark.parametrize(("organism", "column"), [(HUMAN, 0), (MOUSE, 1)])
def test_the_metadata_list_as_many_tracks_of_each_kind_as_alphagenome_documents(client, organism, column):
    metadata = client.output_metadata(organism)

    found = {output.name: metadata.get(output) for output in OUTPUTS}
    assert {name: 0 if m is None else len(m) for name, m in found.items()} == {
        name: counts[column] for name, counts in TRACKS.items()
    }


def test_every_track_says_in_its_name_and_in_its_source_that_it_is_synthetic(client):
    table = client.output_metadata(HUMAN).concatenate()

    assert table["name"].str.contains("synthetic").all()
    assert table["data_source"].str.contains("synthetic").all()


def test_every_answer_says_in_its_headers_that_it_is_synthetic(gateway):
    request = service.MetadataRequest(organism=HUMAN.to_proto())
    call = gateway.stub().GetMetadata(request, metadata=[("x-goog-api-key", gateway.token().secret)])

    assert dict(call.initial_metadata())["x-labfork-backend"] == "synthetic"


@pytest.mark.parametrize("length", SUPPORTED_LENGTHS)
def test_an_interval_of_every_length_has_every_output_at_its_resolution(client, length):
    interval = VARIANT.reference_interval.resize(length)
    answer = client.predict_interval(interval, requested_outputs=OUTPUTS, ontology_terms=["EFO:0002067"])

    for output in OUTPUTS:
        data = answer.get(output)
        assert data.interval == interval
        if output.name != "SPLICE_JUNCTIONS":
            assert data.resolution == RESOLUTIONS.get(output.name, 1)
            assert data.values.shape == expected_shape(output.name, length, len(data.metadata))
        assert np.isfinite(data.values).all()


def test_only_the_tracks_of_the_tissues_that_are_asked_for_are_answered(client):
    outputs = [dna_client.OutputType.DNASE, dna_client.OutputType.RNA_SEQ]
    answer = client.predict_interval(INTERVAL, requested_outputs=outputs, ontology_terms=[LIVER, COLON])

    assert set(answer.dnase.metadata["ontology_curie"]) == {LIVER, COLON}
    assert set(answer.rna_seq.metadata["ontology_curie"]) == {LIVER, COLON}
    assert answer.atac is None


def test_no_tissue_at_all_means_every_track(client):
    answer = client.predict_interval(
        INTERVAL, requested_outputs=[dna_client.OutputType.DNASE], ontology_terms=None
    )

    assert answer.dnase.values.shape == (WIDTH, TRACKS["DNASE"][0])


def test_splice_junctions_lie_inside_the_interval_and_join_exons(client):
    interval = VARIANT.reference_interval.resize(131_072)
    outputs = [dna_client.OutputType.SPLICE_JUNCTIONS]
    found = client.predict_interval(interval, requested_outputs=outputs, ontology_terms=[LIVER])

    junctions = found.splice_junctions
    assert len(junctions.junctions) == len(junctions.values) > 10
    assert all(interval.contains(junction) for junction in junctions.junctions)
    assert (junctions.values > 0).all()


def test_contact_maps_are_symmetric(client):
    outputs = [dna_client.OutputType.CONTACT_MAPS]
    maps = client.predict_interval(
        VARIANT.reference_interval.resize(131_072), requested_outputs=outputs, ontology_terms=None
    ).contact_maps.values

    assert maps.shape == (64, 64, 28)
    assert np.array_equal(maps, maps.transpose(1, 0, 2))


def test_mouse_is_answered_alike(client):
    interval = genome.Interval("chr1", 10_000_000, 10_016_384)
    outputs = [dna_client.OutputType.DNASE, dna_client.OutputType.PROCAP]
    answer = client.predict_interval(interval, organism=MOUSE, requested_outputs=outputs, ontology_terms=None)

    assert answer.dnase.values.shape == (WIDTH, TRACKS["DNASE"][1])
    assert answer.procap.values.shape == (WIDTH, 0)


def test_a_sequence_of_ones_own_has_tracks(client):
    outputs = [dna_client.OutputType.DNASE, dna_client.OutputType.CHIP_TF]
    answer = client.predict_sequence(
        "ACGTN" * 3276 + "ACGT", requested_outputs=outputs, ontology_terms=[LIVER]
    )

    assert answer.dnase.values.shape == (WIDTH, 1)
    assert answer.chip_tf.values.shape[0] == WIDTH // 128


def test_both_alleles_have_the_same_tracks(client):
    outputs = [dna_client.OutputType.DNASE, dna_client.OutputType.RNA_SEQ]
    answer = client.predict_variant(INTERVAL, VARIANT, requested_outputs=outputs, ontology_terms=[LIVER])

    for output in outputs:
        reference, alternate = answer.reference.get(output), answer.alternate.get(output)
        assert reference.values.shape == alternate.values.shape
        assert reference.metadata.equals(alternate.metadata)


@pytest.mark.parametrize("name", SCORERS)
def test_every_recommended_scorer_scores_a_variant(scores, name):
    found = scores[name]

    assert found.uns["variant"] == VARIANT
    assert found.X.shape == found.layers["quantiles"].shape == (found.n_obs, found.n_vars)
    assert found.n_vars > 0
    assert np.isfinite(found.X).all()
    assert (np.abs(found.layers["quantiles"]) <= 1).all()
    assert found.var["name"].str.contains("synthetic").all()


@pytest.mark.parametrize("name", BY_GENE)
def test_scores_by_gene_name_the_genes_of_the_window(scores, name):
    assert {"APOL1", "APOL2", "APOL4"} <= set(scores[name].obs["gene_name"])


def test_scores_of_all_scorers_make_one_tidy_table(scores):
    table = variant_scorers.tidy_scores(list(scores.values()))

    assert len(table) > 10_000
    assert table["variant_scorer"].nunique() == len(SCORERS)
    assert {"APOL1", "APOL4"} <= set(table["gene_name"].dropna())


def test_the_scorers_recommended_for_mouse_score_a_variant_there(client):
    variant = genome.Variant("chr1", 10_008_000, "A", "C")
    interval = variant.reference_interval.resize(WIDTH)
    found = client.score_variant(interval, variant, organism=MOUSE)

    wanted = variant_scorers.get_recommended_scorers(MOUSE.to_proto())
    assert [one.uns["variant_scorer"] for one in found] == wanted


@pytest.mark.parametrize("aggregation", variant_scorers.AggregationType)
def test_a_mask_of_the_whole_window_is_scored_by_every_aggregation_as_it_is_defined(client, aggregation):
    scorer = variant_scorers.CenterMaskScorer(dna_client.OutputType.ATAC, None, aggregation)
    found = client.score_variant(INTERVAL, VARIANT, [scorer])[0]
    both = client.predict_variant(
        INTERVAL, VARIANT, requested_outputs=[dna_client.OutputType.ATAC], ontology_terms=None
    )

    ref, alt = (np.float64(one.atac.values) for one in (both.reference, both.alternate))
    expected = {
        "DIFF_MEAN": lambda: alt.mean(0) - ref.mean(0),
        "DIFF_SUM": lambda: alt.sum(0) - ref.sum(0),
        "DIFF_SUM_LOG2": lambda: np.log2(alt + 1).sum(0) - np.log2(ref + 1).sum(0),
        "DIFF_LOG2_SUM": lambda: np.log2(alt.sum(0) + 1) - np.log2(ref.sum(0) + 1),
        "L2_DIFF": lambda: np.sqrt(((alt - ref) ** 2).sum(0)),
        "L2_DIFF_LOG1P": lambda: np.sqrt(((np.log1p(alt) - np.log1p(ref)) ** 2).sum(0)),
        "ACTIVE_MEAN": lambda: np.maximum(alt.mean(0), ref.mean(0)),
        "ACTIVE_SUM": lambda: np.maximum(alt.sum(0), ref.sum(0)),
    }[aggregation.name]()
    np.testing.assert_allclose(found.X[0], expected, rtol=1e-3, atol=1e-4)


def test_a_mask_over_expression_sees_the_same_tracks_as_a_prediction(client):
    interval = VARIANT.reference_interval.resize(131_072)
    mean = variant_scorers.AggregationType.ACTIVE_MEAN
    scorer = variant_scorers.CenterMaskScorer(dna_client.OutputType.RNA_SEQ, None, mean)
    found = client.score_variant(interval, VARIANT, [scorer])[0]
    both = client.predict_variant(
        interval, VARIANT, requested_outputs=[dna_client.OutputType.RNA_SEQ], ontology_terms=[LIVER]
    )

    means = [one.rna_seq.values.mean(0, dtype=np.float64) for one in (both.reference, both.alternate)]
    liver = (found.var["ontology_curie"] == LIVER).to_numpy()
    np.testing.assert_allclose(found.X[0, liver], np.maximum(*means), rtol=1e-3)


def test_a_window_without_genes_has_gene_scores_without_rows(client):
    starts = range(20_000_000, 30_000_000, WIDTH)
    start = next(s for s in starts if not genes_in(HUMAN.to_proto(), "chr1", s, s + WIDTH))
    variant = genome.Variant("chr1", start + 8_000, "A", "C")
    found = client.score_variant(genome.Interval("chr1", start, start + WIDTH), variant, [SCORERS["RNA_SEQ"]])

    assert found[0].X.shape == (0, found[0].n_vars)


@pytest.mark.parametrize("output", GENE_MASKED)
def test_every_output_that_an_interval_scorer_takes_gives_each_gene_a_score(client, output):
    mean = interval_scorers.IntervalAggregationType.MEAN
    scorer = interval_scorers.GeneMaskScorer(output, width=None, aggregation_type=mean)
    found = client.score_interval(VARIANT.reference_interval.resize(131_072), [scorer])[0]

    assert {"APOL1", "APOL2", "APOL4"} <= set(found.obs["gene_name"])
    assert np.isfinite(found.X).all()


def test_the_two_strands_of_a_gene_score_are_told_apart_when_that_is_asked(client):
    interval = VARIANT.reference_interval.resize(524_288)
    merged = client.score_interval(interval)[0]
    apart = client.score_interval(interval, merge_stranded_gene_tracks=False)[0]

    assert set(merged.var["strand"]) == {"."}
    assert set(apart.var["strand"]) == {"+", "-", "."}
    assert apart.n_vars == TRACKS["RNA_SEQ"][0] > merged.n_vars


def test_every_base_of_a_stretch_is_changed_to_each_other_base(client):
    stretch = VARIANT.reference_interval.resize(12)
    scorer = SCORERS["DNASE"]
    found = client.score_ism_variants(INTERVAL, stretch, [scorer], progress_bar=False)

    variants = {str(one[0].uns["variant"]) for one in found}
    assert len(found) == len(variants) == 36
    assert {one[0].uns["variant"].position for one in found} == set(range(stretch.start + 1, stretch.end + 1))


def test_a_base_scores_alike_alone_and_as_one_of_a_stretch(client):
    scorer = SCORERS["DNASE"]
    stretch = genome.Interval(INTERVAL.chromosome, VARIANT.position - 1, VARIANT.position)
    for (found,) in client.score_ism_variants(INTERVAL, stretch, [scorer], progress_bar=False):
        alone = client.score_variant(INTERVAL, found.uns["variant"], [scorer])[0]
        assert np.array_equal(alone.X, found.X)


def mutagenesis(client, stretch, held):
    """Return the scores of every change of a stretch that has the variant `held`, by variant."""
    found = client.score_ism_variants(
        INTERVAL, stretch, [SCORERS["DNASE"]], interval_variant=held, progress_bar=False
    )
    return {str(one.uns["variant"]): one.X for (one,) in found}


def test_mutagenesis_beside_a_variant_begins_with_its_alternate_base(client):
    stretch = VARIANT.reference_interval.resize(3)
    plain, beside = mutagenesis(client, stretch, None), mutagenesis(client, stretch, VARIANT)

    at = f"chr22:{VARIANT.position}:"
    assert [name for name in beside if name.startswith(at)] == [f"{at}C>{base}" for base in "AGT"]
    others = [name for name in beside if not name.startswith(at)]
    assert len(others) == 6
    assert set(others) < set(plain)
    assert any(not np.array_equal(beside[name], plain[name]) for name in others)
    assert all(
        np.array_equal(beside[name], score) for name, score in mutagenesis(client, stretch, VARIANT).items()
    )


def test_mutagenesis_back_to_the_reference_undoes_the_variant(client):
    before = genome.Variant("chr22", VARIANT.position, "C", "A")
    (there,) = client.score_variant(INTERVAL, before, [SCORERS["DNASE"]])
    stretch = genome.Interval("chr22", VARIANT.position - 1, VARIANT.position)

    assert np.array_equal(mutagenesis(client, stretch, VARIANT)[str(before)], there.X)


def test_mutagenesis_far_from_a_variant_is_as_without_it(client):
    stretch = genome.Interval("chr22", VARIANT.position + 5_000, VARIANT.position + 5_002)
    scorer = SCORERS["DNASE"]
    plain, beside = mutagenesis(client, stretch, None), mutagenesis(client, stretch, VARIANT)

    assert scorer.width < 5_000
    assert {name: score.tolist() for name, score in beside.items()} == {
        name: score.tolist() for name, score in plain.items()
    }


@pytest.mark.parametrize(
    ("alleles", "changed"),
    [(("ACGT", "A"), {0, 4, 5}), (("A", "ACCC"), {0, 1, 2, 3, 4, 5})],
    ids=["deletion", "insertion"],
)
def test_mutagenesis_beside_an_indel_keeps_the_references_positions(client, alleles, changed):
    held = genome.Variant("chr22", VARIANT.position, *alleles)
    stretch = genome.Interval("chr22", held.start, held.start + 6)
    found = mutagenesis(client, stretch, held)

    assert {int(name.split(":")[1]) - held.position for name in found} == changed
    assert len(found) == 3 * len(changed)
    assert all(np.isfinite(score).all() for score in found.values())
