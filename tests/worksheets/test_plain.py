"""What of Python's values is kept, and as what."""

from __future__ import annotations

import math

import pytest

from workspace_api.worksheets.plain import plain


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (10**300, 10**300),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"a"}), ["a"]),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        ("a\0b", "a\ufffdb"),
        ("\ud800", "?"),
        ({"\0": "\0"}, {"\ufffd": "\ufffd"}),
    ],
)
def test_what_json_and_a_database_can_hold_is_kept(value, kept):
    assert plain(value) == kept


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**300 + 1, -(10**400), [1, [math.nan]], {math.nan: 1}]
)
def test_numbers_that_are_none_or_have_no_end_are_refused(value):
    with pytest.raises(ValueError, match="a number must be finite, and have at most 300 digits"):
        plain(value)


@pytest.mark.parametrize("value", [b"a", 1j, object(), ..., [b"a"], {1, "a"}])
def test_what_json_lacks_is_refused(value):
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: (v,)])
def test_what_nests_deeper_than_50_levels_is_refused(wrap):
    value = 0
    for _ in range(49):
        value = wrap(value)

    assert plain(value) is not None
    with pytest.raises(ValueError, match="nests deeper than 50 levels"):
        plain(wrap(value))
