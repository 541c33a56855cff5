"""The journal of a batch: the last word on each row, whatever else stands in the file."""

from __future__ import annotations

import json
import os

import pytest

from workspace_api.batches.journal import MOST_COLUMNS, read_journal


@pytest.fixture
def journal(tmp_path):
    def read(text: str | bytes):
        path = tmp_path / "journal.jsonl"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return read_journal(descriptor)
        finally:
            os.close(descriptor)

    return read


def test_each_line_tells_of_a_row_and_the_last_counts(journal):
    found = journal(
        '{"row": 1, "state": "failed", "error": "no answer"}\n'
        '{"row": 2, "state": "done", "effect": -1.5, "gene": "APOL1", "passes": true}\n'
        '{"row": 1, "state": "done", "effect": 2}\n'
    )

    assert (found.count("done", 2), found.count("failed", 2)) == (2, 0)
    assert found.columns == ["effect", "gene", "passes"]
    assert found.entries[2].values == {"effect": -1.5, "gene": "APOL1", "passes": "yes"}
    assert found.entries[1].error is None


@pytest.mark.parametrize(
    "line",
    [
        '{"row": 2, "state": "do',
        "",
        "null",
        "[1]",
        '{"row": "2", "state": "done"}',
        '{"row": true, "state": "done"}',
        '{"row": -2, "state": "done"}',
        '{"row": 50001, "state": "done"}',
        '{"row": 2, "state": "dreaming"}',
        "[" * 10_000,
        '{"row": 2, "state": "done", "text": "' + "x" * 30_000 + '"}',
    ],
)
def test_what_is_no_line_of_a_journal_says_nothing(journal, line):
    found = journal('{"row": 1, "state": "done"}\n' + line + "\n" + '{"row": 3, "state": "done"}\n')

    assert sorted(found.entries) == [1, 3]


def test_bytes_that_are_no_text_say_nothing(journal):
    assert journal(b'\xff\xfe\x00\n{"row": 1, "state": "done"}\n').count("done", 9) == 1


def test_values_are_few_flat_and_printable(journal):
    many = {f"v{n}": n for n in range(100)}
    found = journal(
        json.dumps(
            {
                "row": 1,
                "state": "done",
                "list": [1],
                "nan": float("nan"),
                "big": 1e400,
                "x\ny": 1,
                "long": 10**400,
            }
        )
        + "\n"
        + json.dumps({"row": 2, "state": "done", "text": "a\x1b[31m\ud800", **many})
        + "\n"
    )

    assert found.entries[1].values == {"list": None, "nan": None, "big": None, "long": None}
    assert len(found.columns) == MOST_COLUMNS
    assert found.entries[2].values["text"] == "a [31m"
