"""The form of a worksheet: which field each parameter gets, and what stands in it."""

from __future__ import annotations

import pytest

from workspace_api.worksheets.forms import FormField, as_text, form_fields
from workspace_api.worksheets.values import resolve_values

TEXTS = {"type": "array", "items": {"type": "string"}}
TISSUES = {"type": "array", "items": {"enum": ["brain", "colon"]}}


def field(schema: dict, **values) -> FormField:
    (made,) = form_fields({"properties": {"x": schema}}, values)
    return made


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({}, "text"),
        ({"type": "string", "default": "A" * 201}, "textarea"),
        ({"type": "string", "default": "two\nlines"}, "textarea"),
        ({"type": "string", "format": "dna-sequence"}, "textarea"),
        ({"type": "object"}, "textarea"),
        ({"type": "integer"}, "number"),
        ({"type": ["number", "null"]}, "number"),
        ({"type": ["integer", "string"]}, "text"),
        ({"anyOf": [{"type": "number"}, {"enum": ["auto"], "type": "string"}]}, "text"),
        ({"type": "boolean"}, "checkbox"),
        ({"type": ["boolean", "null"]}, "select"),
        ({"enum": ["a", "b"]}, "select"),
        (TEXTS, "tags"),
        ({"anyOf": [{"type": "integer"}, {"type": "array"}]}, "tags"),
        (TISSUES, "multi"),
        ({"type": "array", "items": True}, "tags"),
    ],
)
def test_each_type_has_its_kind_of_field(schema, kind):
    assert field(schema).kind == kind


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        ({"type": "string"}, "a", "a"),
        ({"type": "integer"}, 7, "7"),
        ({"type": ["integer", "null"]}, None, ""),
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, "on", True),
        ({"type": "boolean"}, "false", False),
        ({"type": ["boolean", "null"]}, True, "yes"),
        ({"type": ["boolean", "null"]}, None, ""),
        ({"enum": [1, 2]}, 2, "2"),
        (TEXTS, ["a", "b"], "a, b"),
        (TISSUES, ["colon"], ["colon"]),
        (TISSUES, "colon", ["colon"]),
    ],
)
def test_a_field_shows_what_stands_in_it(schema, value, shown):
    assert field(schema, x=value).value == shown


def test_a_field_without_a_value_shows_the_default():
    assert field({"type": "integer", "default": 7}).value == "7"


def test_what_was_typed_wrong_stays_as_it_was_typed():
    assert field({"type": "integer", "default": 7}, x="seven").value == "seven"


def test_choices_have_labels():
    schema = {"enum": ["b", 1, None], "x-labels": {"b": "Brain", "1": "One"}}

    assert field(schema).choices == (("b", "Brain"), ("1", "One"))
    assert field({"type": "array", "items": schema}).choices == (("b", "Brain"), ("1", "One"))


@pytest.mark.parametrize("labels", [None, ["B"], "B", 7])
def test_labels_of_a_wrong_shape_leave_the_values(labels):
    assert field({"enum": ["b"], "x-labels": labels}).choices == (("b", "b"),)


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        ({"type": "string"}, True),
        ({"type": ["string", "null"]}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ({"default": None}, False),
        ({"default": "a"}, True),
        ({"type": "boolean"}, False),
        (TISSUES, False),
        (TEXTS, True),
    ],
)
def test_a_field_is_required_unless_empty_means_something(schema, required):
    assert field(schema).required is required


def test_a_field_says_all_that_its_schema_says():
    schema = {
        "type": "integer",
        "title": "Length",
        "description": "In base pairs.",
        "minimum": 1,
        "maximum": 9,
        "x-unit": "bp",
        "examples": [5],
    }

    assert field(schema) == FormField(
        name="x", title="Length", help="In base pairs.", kind="number", value="", placeholder="5",
        unit="bp", minimum=1, maximum=9, step="1",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["genomic-variant", "genomic-interval", "dna-sequence"])
def test_positions_and_sequences_are_typed_in_a_fixed_width(form):
    assert field({"type": "string", "format": form}).mono
    assert field({"type": "array", "items": {"type": "string", "format": form}}).mono


def test_terms_are_suggested():
    assert field({"type": "array", "items": {"format": "ontology-term"}}).suggest == "ontology-term"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (1.5, "1.5"),
        ("a", "a"),
        (["a", "b c"], "a, b c"),
        ([True, False], "yes, no"),
        (["a, b"], '["a, b"]'),
        (["a", 1, None], '["a", 1, null]'),
        ([[1], [2]], "[[1], [2]]"),
        ({"ä": None}, '{"ä": null}'),
    ],
)
def test_a_value_has_a_text(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "a b"),
        ({"type": "integer"}, -1234567),
        ({"type": "number"}, 1e-07),
        ({"type": "number"}, 123456789.25),
        ({"type": ["integer", "null"]}, None),
        ({"type": "boolean"}, True),
        ({"type": ["boolean", "null"]}, False),
        ({"type": ["boolean", "null"]}, None),
        ({"default": None}, None),
        ({"type": ["integer", "string"], "enum": [1, "a", None]}, 1),
        (TEXTS, ["a", "b"]),
        ({"type": ["array", "null"], "items": {"type": "integer"}}, None),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2]),
        (TISSUES, ["brain", "colon"]),
        ({"type": "object"}, {"a": [1, None, True], "b": "x"}),
        ({"type": "string"}, "two\nlines"),
        (TEXTS, ["with, comma", "x"]),
        (TEXTS, ["[1]"]),
        (TEXTS, [" ", ""]),
        ({"type": "array"}, [1, "a", None]),
        ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, [[1, 2], [3]]),
        ({"type": "array", "items": {"type": "object"}}, [{"a": 1}]),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}, [1, 2]),
        ({}, "text"),
    ],
)
def test_a_form_that_is_sent_back_unchanged_gives_the_same_value(schema, value):
    shown = field(schema, x=value).value
    sent = str(shown).lower() if isinstance(shown, bool) else shown

    assert resolve_values({"properties": {"x": schema}}, {"x": sent}, from_form=True) == {"x": value}
