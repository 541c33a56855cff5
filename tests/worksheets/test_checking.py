"""Patterns and schemas that strangers wrote."""

from __future__ import annotations

import pytest

from workspace_api.worksheets.checking import PatternError, matches, problem_of


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a+$", "aaa", True),
        ("^a+$", "ab", False),
        ("b", "abc", True),
        ("", "", True),
        (r"^\d{3}$", "123", True),
    ],
)
def test_a_pattern_is_searched_for_in_the_text(pattern, text, found):
    assert matches(pattern, text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*a", "(?=a)b", "(?<!a)b", r"(a)\1", "(((a{1000}){1000}){1000})"]
)
def test_a_pattern_that_cannot_be_searched_for_in_bounded_time_is_none(pattern):
    with pytest.raises(PatternError) as refused:
        matches(pattern, "a")

    assert repr(pattern) in str(refused.value)


def test_what_is_wrong_with_the_whole_comes_before_what_is_wrong_with_a_part():
    schema = {"type": "array", "items": {"type": "integer"}, "maxItems": 1}

    problem = problem_of(schema, ["a", "b"])

    assert problem is not None
    assert problem.validator == "maxItems"


def test_what_fits_has_no_problem():
    assert problem_of({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 2]) is None


def test_items_are_the_same_whatever_the_order_of_their_names():
    assert problem_of({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}]) is not None


def test_numbers_and_truth_values_are_not_the_same():
    assert problem_of({"uniqueItems": True}, [1, True, "1", None]) is None
