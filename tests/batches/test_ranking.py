"""The table of a batch: narrowed, sorted and written as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from workspace_api.batches.checking import Row
from workspace_api.batches.journal import Entry, Journal
from workspace_api.batches.ranking import Wanted, as_csv, ranked
from workspace_api.errors import InvalidInputError

ROWS = [Row(n, n + 1, f"chr1:{n}:A>C", f"rs{n}", "") for n in range(1, 6)]
JOURNAL = Journal(
    {
        1: Entry("done", {"effect": 0.5, "gene": "APOL1"}, None),
        2: Entry("done", {"effect": -2.0, "gene": "MYH9"}, None),
        3: Entry("failed", {}, "no answer"),
        4: Entry("done", {"effect": 1, "gene": None}, None),
    },
    ["effect", "gene"],
)


def found(**wanted) -> list[int]:
    return [row.row for row in ranked(ROWS, JOURNAL, "effect", Wanted(**wanted))]


def test_rows_come_by_the_size_of_the_ranked_value_and_those_without_one_last():
    assert found() == [2, 4, 1, 3, 5]
    assert [row.row for row in ranked(ROWS, JOURNAL, None, Wanted())] == [1, 2, 3, 4, 5]
    assert [row.row for row in ranked(ROWS, Journal(), "effect", Wanted())] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({"sort": "effect", "order": "down"}, [4, 1, 2, 3, 5]),
        ({"sort": "effect", "order": "up"}, [2, 1, 4, 3, 5]),
        ({"sort": "gene"}, [1, 2, 3, 4, 5]),
        ({"sort": "gene", "order": "down"}, [2, 1, 3, 4, 5]),
        ({"sort": "row", "order": "down"}, [5, 4, 3, 2, 1]),
        ({"state": "waiting"}, [5]),
        ({"state": "failed"}, [3]),
        ({"q": "MYH"}, [2]),
        ({"q": "rs4"}, [4]),
        ({"q": "chr1 answer"}, [3]),
        ({"least": 1.0}, [2, 4]),
        ({"least": 0.0, "q": "apol"}, [1]),
    ],
)
def test_rows_are_narrowed_and_sorted(wanted, rows):
    assert found(**wanted) == rows


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("state", "lost", "there are waiting, done, failed"),
        ("order", "sideways", "there are down, up, size"),
        ("sort", "p_value", "there are row, effect, gene"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(field, value, words):
    with pytest.raises(InvalidInputError) as refusal:
        found(**{field: value})

    assert refusal.value.errors[0].field == field
    assert words in refusal.value.errors[0].message


def test_texts_and_numbers_of_one_column_are_sorted_apart():
    journal = Journal({1: Entry("done", {"x": "b"}, None), 2: Entry("done", {"x": 3}, None)}, ["x"])

    assert [row.row for row in ranked(ROWS[:2], journal, "x", Wanted())] == [2, 1]
    assert [row.row for row in ranked(ROWS[:2], journal, "x", Wanted(order="up"))] == [2, 1]


def test_the_csv_has_every_row_and_no_formula():
    journal = Journal(
        {1: Entry("done", {"=cmd": '=HYPERLINK("x")', "effect": -1.5}, None)}, ["=cmd", "effect"]
    )
    text = "".join(as_csv(ranked(ROWS, journal, "effect", Wanted()), journal.columns))
    header, first, *rest = csv.reader(io.StringIO(text.removeprefix("\ufeff")))

    assert header == ["row", "line", "variant", "name", "state", "error", "'=cmd", "effect"]
    assert first == ["1", "2", "chr1:1:A>C", "rs1", "done", "", '\'=HYPERLINK("x")', "-1.5"]
    assert len(rest) == 4
