"""How the offline model behaves: the same question has the same answer, and a variant acts where it is."""

from __future__ import annotations

import numpy as np
import pytest
from alphagenome.data import genome
from alphagenome.models import dna_client, variant_scorers

from tests.alphagenome.conftest import COLON, INTERVAL, LIVER, VARIANT, WIDTH

LOCAL = tuple(dna_client.OutputType[name] for name in ("ATAC", "CAGE", "DNASE", "PROCAP"))
BINNED = (dna_client.OutputType.CHIP_HISTONE, dna_client.OutputType.CHIP_TF)
DNASE = dna_client.OutputType.DNASE
RNA_SEQ = dna_client.OutputType.RNA_SEQ
NEAR = 1_000  # bases within which a variant may change open chromatin
DISTANT = 200_000  # bases beyond which it changes the expression of no gene
MIDDLE = VARIANT.position - 1 - INTERVAL.start
VARIANTS = {
    "substitution": VARIANT,
    "insertion": genome.Variant("chr22", VARIANT.position, "A", "ATTCGCA"),
    "deletion": genome.Variant("chr22", VARIANT.position, "ATGCA", "A"),
    "repeat": genome.Variant("chr22", VARIANT.position, "AA", "AAA"),
}


def predict(client, interval=INTERVAL, outputs=(DNASE,), terms=(LIVER,)):
    return client.predict_interval(interval, requested_outputs=outputs, ontology_terms=terms)


def dnase_of(client, variant, interval=INTERVAL):
    both = client.predict_variant(interval, variant, requested_outputs=[DNASE], ontology_terms=[LIVER])
    return both.reference.dnase.values, both.alternate.dnase.values


def test_the_same_question_has_the_same_answer(client):
    first, second = (predict(client, outputs=[DNASE, RNA_SEQ]) for _ in range(2))

    assert np.array_equal(first.dnase.values, second.dnase.values)
    assert np.array_equal(first.rna_seq.values, second.rna_seq.values)


def test_two_gateways_give_the_same_answers(client, make_gateway):
    other = make_gateway().client()
    scorers = list(variant_scorers.RECOMMENDED_VARIANT_SCORERS.values())

    here, there = (predict(one, outputs=[DNASE, RNA_SEQ]) for one in (client, other))
    assert np.array_equal(here.dnase.values, there.dnase.values)
    assert np.array_equal(here.rna_seq.values, there.rna_seq.values)
    scores = [one.score_variant(INTERVAL, VARIANT, scorers) for one in (client, other)]
    assert all(np.array_equal(a.X, b.X) for a, b in zip(*scores, strict=True))


@pytest.mark.parametrize("output", [*LOCAL, *BINNED], ids=lambda output: output.name)
@pytest.mark.parametrize("length", [WIDTH, 524_288])
def test_windows_agree_where_they_overlap(client, output, length):
    shift = 37 * 128
    other = genome.Interval(INTERVAL.chromosome, INTERVAL.start + shift, INTERVAL.start + shift + length)
    here, there = (predict(client, one, [output]).get(output) for one in (INTERVAL, other))

    skipped = shift // here.resolution
    common = len(here.values) - skipped
    assert here.values.shape[1] > 0
    np.testing.assert_allclose(here.values[skipped:], there.values[:common], rtol=1e-5, atol=1e-6)


def test_tracks_are_not_flat_and_tissues_differ(client):
    values = predict(client, terms=[LIVER, COLON]).dnase.values

    assert (values.max(axis=0) > 2 * values.min(axis=0)).all()
    assert not np.allclose(values[:, 0], values[:, 1])


def test_a_sequence_with_another_base_has_other_tracks_near_it(client):
    plain = "ACGGTCATTG" * 1638 + "ACGT"
    changed = plain[:8_000] + "T" + plain[8_001:]
    before, after = (
        client.predict_sequence(one, requested_outputs=[DNASE], ontology_terms=[LIVER]).dnase.values
        for one in (plain, changed)
    )

    differs = np.flatnonzero((before != after).any(axis=1))
    assert 8_000 - NEAR < differs.min() <= 8_000 <= differs.max() < 8_000 + NEAR


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_variant_changes_open_chromatin_near_it_and_nothing_far_away(client, variant):
    reference, alternate = dnase_of(client, variant)

    differs = np.flatnonzero((reference != alternate).any(axis=1))
    assert MIDDLE - NEAR < differs.min() <= MIDDLE <= differs.max() < MIDDLE + NEAR


def test_a_variant_changes_the_expression_of_genes_around_it_and_of_none_far_away(client):
    interval = VARIANT.reference_interval.resize(1_048_576)
    both = client.predict_variant(interval, VARIANT, requested_outputs=[RNA_SEQ], ontology_terms=[LIVER])
    reference, alternate = both.reference.rna_seq.values, both.alternate.rna_seq.values

    differs = np.flatnonzero((reference != alternate).any(axis=1)) + interval.start
    far = np.abs(differs - VARIANT.position)
    assert far.max() > 10 * NEAR
    assert far.max() < DISTANT + 120_000  # the longest gene reaches so far
    assert len(differs) < interval.width / 2


def test_the_reference_allele_is_the_same_whatever_the_alternate_one_is(client):
    others = [genome.Variant("chr22", VARIANT.position, "A", base) for base in "CGT"]
    found = [dnase_of(client, variant) for variant in others]

    assert all(np.array_equal(reference, found[0][0]) for reference, _ in found)
    assert not any(np.array_equal(reference, alternate) for reference, alternate in found)


def test_a_variant_at_either_end_of_its_window_is_answered(client):
    for position in (INTERVAL.start + 1, INTERVAL.end):
        reference, alternate = dnase_of(client, genome.Variant("chr22", position, "A", "C"))
        assert not np.array_equal(reference, alternate)


@pytest.mark.parametrize(
    ("position", "alleles"),
    [
        (INTERVAL.start + 1, ("A", "ACGT")),
        (INTERVAL.start + 1, ("ACG", "A")),
        (INTERVAL.end, ("A", "ACGT")),
        (INTERVAL.end - 2, ("ACG", "A")),
    ],
    ids=["insertion first", "deletion first", "insertion last", "deletion last"],
)
def test_an_indel_at_either_end_of_its_window_keeps_its_length(client, position, alleles):
    reference, alternate = dnase_of(client, genome.Variant("chr22", position, *alleles))

    assert reference.shape == alternate.shape == (WIDTH, 1)
    assert np.isfinite(alternate).all()
    assert not np.array_equal(reference, alternate)


def test_the_reference_allele_that_is_named_counts_where_it_is_not_the_genomes(client):
    named = [dnase_of(client, genome.Variant("chr22", VARIANT.position, base, "T"))[0] for base in "ACG"]

    assert not np.array_equal(named[0], named[1])
    assert not np.array_equal(named[1], named[2])


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_a_sequence_of_unknown_bases_has_tracks_without_gaps(client, share):
    unknown = round(share * WIDTH)
    sequence = "N" * unknown + "ACGTTGCA" * WIDTH
    found = client.predict_sequence(
        sequence[:WIDTH], requested_outputs=[DNASE, RNA_SEQ], ontology_terms=[LIVER]
    )

    assert np.isfinite(found.dnase.values).all()
    assert np.isfinite(found.rna_seq.values).all()


def test_genes_are_expressed_where_their_exons_are(client):
    interval = genome.Interval("chr22", 36_253_071, 36_253_071 + WIDTH)
    found = predict(client, interval, [RNA_SEQ]).rna_seq
    forward = found.values[:, (found.metadata["strand"] == "+").to_numpy()]

    assert forward[:160].mean() > 5 * forward[200:1_000].mean()
