"""The values of a worksheet's parameters: which are taken, in which form, and how others are refused."""

from __future__ import annotations

import json
import math

import pytest

from workspace_api.errors import InvalidInputError, TooLargeError
from workspace_api.worksheets.values import resolve_values

INTEGER, NUMBER, TEXT, TRUTH = ({"type": kind} for kind in ("integer", "number", "string", "boolean"))
WORDS = {"type": "array", "items": TEXT}
NUMBERS = {"type": "array", "items": NUMBER}
VARIANTS = {"type": "array", "items": {"type": "string", "format": "genomic-variant"}}
TISSUES = {"type": "array", "items": {"type": "string", "enum": ["brain", "colon, left"]}}
OPTIONAL = {"type": ["integer", "null"], "default": None}
UNTYPED = {"default": None}
EITHER = {"anyOf": [INTEGER, {"type": "array", "items": INTEGER}]}
AUTO = {"anyOf": [NUMBER, {"type": "string", "enum": ["auto"]}]}
VARIANT_OR_NONE = {"anyOf": [{"type": "string", "format": "genomic-variant"}, {"type": "null"}]}

FIRST_CHOICES = "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19"


def sheet(**fields):
    return {"type": "object", "properties": fields, "additionalProperties": False}


def taken(field, value, *, from_form: bool = False):
    return resolve_values(sheet(x=field), {"x": value}, from_form=from_form)["x"]


def refusal(field, value, *, from_form: bool = False) -> str:
    with pytest.raises(InvalidInputError) as refused:
        taken(field, value, from_form=from_form)
    (error,) = refused.value.errors
    assert error.field == "x"
    return error.message


def as_json(value) -> str:
    """Write a value so that 1, 1.0 and true differ."""
    return json.dumps(value)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        (INTEGER, 7, 7),
        (INTEGER, 7.0, 7),
        (NUMBER, 7, 7.0),
        (NUMBER, 0.5, 0.5),
        ({"type": ["integer", "number"]}, 7, 7),
        (TEXT, "a", "a"),
        (TEXT, "", ""),
        (TRUTH, False, False),
        (WORDS, ["a", "b"], ["a", "b"]),
        (WORDS, [], []),
        (NUMBERS, [1, 2.5], [1.0, 2.5]),
        (OPTIONAL, None, None),
        (UNTYPED, {"a": [1, None]}, {"a": [1, None]}),
        (VARIANTS, ["22:1:a>c"], ["chr22:1:A>C"]),
        (EITHER, [1, 2.0], [1, 2]),
        (AUTO, "auto", "auto"),
        (VARIANT_OR_NONE, "22:1:a>c", "chr22:1:A>C"),
        (VARIANT_OR_NONE, None, None),
        ({"type": "object"}, {"a": 1}, {"a": 1}),
        (TEXT, "nul \0 and half \ud800", "nul \ufffd and half ?"),
    ],
)
def test_a_value_from_json_is_kept_in_its_proper_form(field, given, kept):
    assert as_json(taken(field, given)) == as_json(kept)


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        (INTEGER, " 7 ", 7),
        (INTEGER, "-1,234,567", -1_234_567),
        (INTEGER, "1 000", 1000),
        (INTEGER, "1_000", 1000),
        (NUMBER, "0.5", 0.5),
        (NUMBER, "1e-3", 0.001),
        (NUMBER, "1,234.5", 1234.5),
        (TEXT, " kept as typed ", " kept as typed "),
        (TEXT, ["first", "last"], "last"),
        (TRUTH, "on", True),
        (TRUTH, "Yes", True),
        (TRUTH, "false", False),
        (TRUTH, "", False),
        (TRUTH, ["false", "true"], True),
        ({"type": ["boolean", "null"]}, "", None),
        ({"type": ["boolean", "null"]}, "no", False),
        (WORDS, "a, b\r\nc,,", ["a", "b", "c"]),
        (WORDS, ["a", "b"], ["a", "b"]),
        (WORDS, "", []),
        ({"type": "array"}, "a,1", ["a", "1"]),
        ({"type": "array", "items": True}, "a", ["a"]),
        ({"type": ["array", "null"], "items": TEXT}, "", None),
        ({"type": ["array", "null"], "items": TEXT}, [], None),
        (NUMBERS, "1, 2.5", [1.0, 2.5]),
        (NUMBERS, " [1, 2.5] ", [1.0, 2.5]),
        (WORDS, "[a], b", ["[a]", "b"]),
        (TEXT, "two\r\nlines", "two\nlines"),
        (NUMBERS, "100,200", [100.0, 200.0]),
        (TISSUES, ["colon, left", "brain"], ["colon, left", "brain"]),
        (VARIANTS, "22:36,201,698:a>c,chr1:5:G>T", ["chr22:36201698:A>C", "chr1:5:G>T"]),
        (OPTIONAL, " ", None),
        (OPTIONAL, "5", 5),
        (UNTYPED, "", None),
        (UNTYPED, "5", "5"),
        ({"type": ["integer", "string"]}, "5", 5),
        ({"type": ["integer", "string"]}, "five", "five"),
        ({"enum": [1, 2.5, "a"]}, "2.5", 2.5),
        ({"type": ["integer", "string"], "enum": [1, "1x"]}, "1x", "1x"),
        (EITHER, "5", 5),
        (EITHER, "5, 6", [5, 6]),
        (AUTO, "auto", "auto"),
        (AUTO, "2", 2.0),
        (VARIANT_OR_NONE, "", None),
        (VARIANT_OR_NONE, "1:2:a>t", "chr1:2:A>T"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ],
)
def test_a_value_from_a_form_is_turned_into_its_type(field, typed, kept):
    assert as_json(taken(field, typed, from_form=True)) == as_json(kept)


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        (INTEGER, "7", "“7” must be a whole number."),
        (INTEGER, True, "“True” must be a whole number."),
        (INTEGER, 7.5, "“7.5” must be a whole number."),
        (INTEGER, None, "“None” must be a whole number."),
        (NUMBER, "0.5", "“0.5” must be a number."),
        (TEXT, 7, "“7” must be text."),
        (TRUTH, 1, "“1” must be yes or no."),
        (WORDS, "a", "“a” must be a list."),
        (WORDS, ["a", 1], "“1” must be text."),
        (OPTIONAL, "a", "“a” must be a whole number or empty."),
        (EITHER, "a", "“a” must be a whole number or a list, of a form that fits here."),
        (VARIANT_OR_NONE, "rs1", "“rs1” is not a variant. Write it like chr22:36201698:A>C."),
        (
            VARIANTS,
            ["chr1:5:A>A"],
            "The alternate allele is the same as the reference, “A”. Change one of them.",
        ),
        ({**INTEGER, "minimum": 3, "x-unit": "bp"}, 1, "“1” is too small; the least is 3 bp."),
        ({**NUMBER, "maximum": 1}, 1.5, "“1.5” is too large; the most is 1."),
        ({**NUMBER, "exclusiveMinimum": 0}, 0, "“0.0” must be more than 0."),
        ({**NUMBER, "exclusiveMaximum": 1}, 1, "“1.0” must be less than 1."),
        ({**INTEGER, "multipleOf": 5}, 7, "“7” must be a multiple of 5."),
        ({**TEXT, "minLength": 2}, "a", "This needs at least 2 characters."),
        ({**TEXT, "maxLength": 2}, "abc", "This has more than 2 characters."),
        ({**TEXT, "pattern": "^[a-z]+$"}, "A{x}", "“A{x}” does not have the form ^[a-z]+$."),
        ({**WORDS, "minItems": 1}, [], "Choose at least 1."),
        ({**WORDS, "maxItems": 1}, ["a", "b"], "Choose at most 1; there are 2."),
        ({**WORDS, "uniqueItems": True}, ["a", "a"], "Something is named twice."),
        ({"enum": [1, "a"]}, "b", "“b” is not a choice. Choose one of 1, a."),
        ({"enum": list(range(22))}, 99, f"“99” is not a choice. Choose one of {FIRST_CHOICES} and 2 more."),
        ({"const": 1}, 2, "“2”: 1 was expected"),
    ],
)
def test_a_value_that_does_not_fit_is_told_in_words(field, given, words):
    assert refusal(field, given) == words


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        (INTEGER, "", "“” is not a whole number."),
        (INTEGER, "1.5", "“1.5” is not a whole number."),
        (NUMBER, "a lot", "“a lot” is not a number."),
        (NUMBER, "0,5", "“0,5” is not a number. Write decimals with a point."),
        (NUMBER, "1,00", "“1,00” is not a number. Write decimals with a point."),
        (TRUTH, "maybe", "“maybe” must be yes or no."),
        (NUMBERS, "1, a", "“a” is not a number."),
        (TISSUES, ["liver"], "“liver” is not a choice. Choose one of brain, colon, left."),
        ({"type": "object"}, "a=1", '“a=1” is not JSON. Write it like {"name": 1}.'),
        ({"type": "object"}, "[1]", "“[1]” must be a set of names and values."),
    ],
)
def test_what_was_typed_wrong_is_told_in_words(field, typed, words):
    assert refusal(field, typed, from_form=True) == words


@pytest.mark.parametrize("field", [NUMBER, INTEGER, UNTYPED, {**NUMBER, "multipleOf": 0.5}, NUMBERS, EITHER])
@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, 10**301, 10**5000])
def test_a_number_that_is_none_or_is_boundless_is_refused(field, given):
    value = [given] if field is NUMBERS else given

    assert len(refusal(field, value)) < 300


@pytest.mark.parametrize("typed", ["nan", "NaN", "inf", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("field", [NUMBER, INTEGER, NUMBERS, {"type": ["number", "null"]}])
def test_a_form_cannot_smuggle_in_a_number_that_is_none(field, typed):
    assert len(refusal(field, typed, from_form=True)) < 300


def test_nan_inside_an_object_is_refused():
    assert "must be finite" in refusal({"type": "object"}, '{"a": NaN}', from_form=True)


def nested(levels: int) -> object:
    value: object = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [51, 400, 5000])
def test_deep_nesting_is_refused(levels):
    assert refusal(UNTYPED, nested(levels)) == "This value cannot be used: it nests deeper than 50 levels."


def test_deep_nesting_in_a_form_is_refused():
    assert "is not JSON" in refusal({"type": "object"}, "[" * 100_000, from_form=True)


def test_a_parameter_that_is_not_given_has_its_default():
    fields = sheet(n={**INTEGER, "default": 3}, region={"type": "string", "default": "all"})

    assert resolve_values(fields, {"n": 4}) == {"n": 4, "region": "all"}
    assert resolve_values(fields, {"n": "4"}, from_form=True) == {"n": 4, "region": "all"}


def test_a_default_is_brought_into_its_proper_form_too():
    fields = sheet(v={"type": "string", "format": "genomic-variant", "default": "22:1:a>c"})

    assert resolve_values(fields, {}, from_form=True) == {"v": "chr22:1:A>C"}


def test_a_default_that_does_not_fit_is_told():
    with pytest.raises(InvalidInputError) as refused:
        resolve_values(sheet(n={**INTEGER, "default": None}), {})

    assert [error.field for error in refused.value.errors] == ["n"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("varient", "This worksheet has no parameter “varient”. Did you mean variant?"),
        ("zzz", "This worksheet has no parameter “zzz”. It has variant, tissue."),
    ],
)
def test_an_unknown_parameter_is_told_with_what_was_probably_meant(name, words):
    with pytest.raises(InvalidInputError) as refused:
        resolve_values(sheet(variant=TEXT, tissue=TEXT), {"variant": "a", "tissue": "b", name: 1})

    assert [(error.field, error.message) for error in refused.value.errors] == [(name, words)]


def test_a_worksheet_without_parameters_says_so():
    with pytest.raises(InvalidInputError) as refused:
        resolve_values(sheet(), {"a": 1})

    assert refused.value.errors[0].message == "This worksheet has no parameter “a”. It has none."


def test_every_wrong_value_is_told_at_once():
    with pytest.raises(InvalidInputError) as refused:
        resolve_values(sheet(a=INTEGER, b=INTEGER, c=INTEGER), {"a": "x", "b": 1, "c": "y", "d": 0})

    assert sorted(error.field for error in refused.value.errors) == ["a", "c", "d"]


def test_of_very_many_unknown_parameters_the_first_are_told():
    with pytest.raises(InvalidInputError) as refused:
        resolve_values(sheet(a=INTEGER), {"a": 1, **{f"n{number}": 0 for number in range(10_000)}})

    assert len(refused.value.errors) == 20


def test_values_of_more_than_a_megabyte_are_refused_with_the_remedy():
    assert taken(TEXT, "A" * 900_000) == "A" * 900_000
    with pytest.raises(TooLargeError, match=r"larger than 1 MB together\. Put large data into a file"):
        taken(TEXT, "A" * 1_000_001)


def test_a_message_quotes_only_the_beginning_of_a_long_value():
    message = refusal(INTEGER, "9" * 10_000)

    assert "“" + "9" * 80 + "…”" in message
    assert len(message) < 200


@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|aa)+$", "^(a*)*b$", "(.*a){20}b"])
def test_a_catastrophic_pattern_is_answered_at_once(pattern):
    assert "does not have the form" in refusal({**TEXT, "pattern": pattern}, "a" * 100_000 + "!")


@pytest.mark.timeout(60, func_only=True)
def test_a_costly_pattern_is_made_ready_once_for_a_long_list():
    costly = {"type": "string", "pattern": "(a|b|c){0,4000}d"}

    assert "does not have the form" in refusal({"type": "array", "items": costly}, ["abc"] * 50_000)


@pytest.mark.timeout(30, func_only=True)
def test_a_long_list_is_searched_for_twins_at_once():
    assert (
        refusal({"type": "array", "uniqueItems": True}, [*range(100_000), 0]) == "Something is named twice."
    )
