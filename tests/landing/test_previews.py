"""The first rows of tables that anybody's run may have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from landing.previews import TablePreview, is_table, table_preview
from workspace_api.runs.views import OpenFile


@pytest.fixture
def preview(tmp_path: Path):
    """Previews a file of some bytes."""

    def make(data: bytes, name: str = "t.csv") -> TablePreview | None:
        path = tmp_path / "data"
        path.write_bytes(data)
        file = OpenFile(os.open(path, os.O_RDONLY), f"outputs/{name}", len(data), "text/plain")
        try:
            return table_preview(file)
        finally:
            file.close()

    return make


def test_what_is_shown_as_a_table_is_told_by_its_name():
    names = ["a.csv", "a.TSV", "a.csv.gz", "a.json", "csv", "a.txt"]

    assert [is_table(name) for name in names] == [True, True, False, False, False, False]


def test_a_small_table_is_shown_whole(preview):
    whole = TablePreview(["gene", "score"], [["MYH9", "0.5"]], more_rows=False, more_columns=False)

    assert preview(b"gene,score\nMYH9,0.5\n") == whole
    assert preview(b"gene\tscore\r\nMYH9\t0.5", "t.tsv") == whole


def test_a_table_as_spreadsheets_write_it_begins_without_a_mark(preview):
    assert preview("\ufeffgene,score\r\nMYH9,0.5\r\n".encode()).header == ["gene", "score"]


def test_a_cell_may_hold_separators_quotes_and_lines(preview):
    assert preview(b'a,b\n"x, ""y""\nz",2\n').rows == [['x, "y"\nz', "2"]]


def test_long_and_wide_tables_say_that_there_is_more(preview):
    table = preview(b"\n".join([b",".join([b"x" * 100] * 30)] * 15))

    assert (len(table.header), len(table.header[0]), len(table.rows)) == (12, 80, 8)
    assert table.more_rows
    assert table.more_columns


def test_rows_that_lie_beyond_what_is_read_are_told(preview):
    row = b"x" * 20_000 + b"\n"
    table = preview(row * 4)

    assert len(table.rows) == 2
    assert table.more_rows


def test_a_table_of_just_as_much_as_is_read_is_whole(preview):
    table = preview((b"x" * 31_999 + b"\n") * 2)

    assert len(table.rows) == 1
    assert not table.more_rows


@pytest.mark.parametrize("data", [b"", b"\n\n", b"x" * 70_000, b'"' + b"x" * 200_000])
def test_what_is_no_table_has_no_preview(preview, data):
    assert preview(data) is None


def test_bytes_that_are_no_text_are_shown_as_such(preview):
    assert preview(b"\xff\x00,b\n\x89PNG,1").header == ["\ufffd\x00", "b"]
