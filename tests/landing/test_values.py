"""The values of a run, in the words of its form."""

from __future__ import annotations

import pytest

from landing.values import ValueShown, values_shown


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ({}, "chr22:1:A>C", ValueShown("it", "chr22:1:A>C", "chr22:1:A>C")),
        ({"title": "Variant"}, "x", ValueShown("Variant", "x", "x")),
        ({"x-unit": "bp"}, 4096, ValueShown("it", "4096 bp", "4096")),
        (
            {"enum": [16384], "x-labels": {"16384": "16 kb"}, "x-unit": "bp"},
            16384,
            ValueShown("it", "16 kb", "16384"),
        ),
        (
            {"type": "array", "items": {"enum": ["RNA_SEQ", "ATAC"], "x-labels": {"RNA_SEQ": "RNA-seq"}}},
            ["RNA_SEQ", "ATAC"],
            ValueShown("it", "RNA-seq, ATAC", "RNA_SEQ, ATAC"),
        ),
        ({"x-unit": "bp"}, None, ValueShown("it", "–", "")),
        ({"type": "array", "items": True}, [], ValueShown("it", "none", "")),
        ({}, False, ValueShown("it", "no", "no")),
    ],
)
def test_a_value_has_the_title_the_labels_and_the_unit_of_its_field_and_is_copied_as_it_is(
    field, value, shown
):
    assert values_shown({"properties": {"it": field}}, {"it": value}) == [shown]


def test_a_value_of_no_field_is_called_by_its_name():
    assert values_shown({}, {"depth": 3}) == [ValueShown("depth", "3", "3")]
