"""What a proposal changes in a notebook, cell by cell."""

from __future__ import annotations

import json

import pytest

from workspace_api.proposals.notebook_cells import LONGEST_CELL, MOST_CELLS, changed_cells

PICTURE = "iVBORw0KGgoAAAANSUhEUg=="


def code(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}}


def text(source: str) -> dict:
    return {"cell_type": "markdown", "source": source.splitlines(keepends=True), "metadata": {}}


def shown(png: str) -> dict:
    return {"output_type": "display_data", "data": {"image/png": png, "text/html": "<script>x</script>"}}


def notebook(*cells: dict) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def told(before: bytes, after: bytes) -> list[tuple]:
    return [(cell.number, cell.kind, cell.cell, cell.lines[1:]) for cell in changed_cells(before, after)]


def test_a_changed_cell_has_its_lines_and_the_others_are_left_out():
    before = notebook(text("# One"), code("a = 1\nb = 2"), code("c"))
    after = notebook(text("# One"), code("a = 1\nb = 3"), code("c"))

    assert told(before, after) == [(2, "changed", "code", [" a = 1", "-b = 2", "+b = 3"])]


def test_cells_that_came_and_went_have_the_numbers_at_which_one_finds_them():
    before = notebook(code("a"), code("gone"), code("b"))
    after = notebook(text("new"), code("a"), code("b"))

    assert told(before, after) == [(1, "added", "markdown", ["+new"]), (2, "removed", "code", ["-gone"])]


def test_a_cell_in_the_place_of_one_of_another_kind_is_not_the_same_cell():
    assert told(notebook(code("a")), notebook(text("a"))) == [
        (1, "removed", "code", ["-a"]),
        (1, "added", "markdown", ["+a"]),
    ]


@pytest.mark.parametrize("empty", [0, 1])
def test_a_notebook_that_is_new_or_gone_is_all_its_cells(empty):
    kinds = [cell.kind for cell in changed_cells(*[notebook(code("a")), b""][:: 1 if empty else -1])]

    assert kinds == (["removed"] if empty else ["added"])


def test_other_outputs_are_told_with_their_pictures_and_nothing_else_of_them():
    other = PICTURE.replace("AAAA", "BBBB")
    [cell] = changed_cells(notebook(code("a", shown(PICTURE))), notebook(code("a", shown(other))))

    assert (cell.outputs, cell.lines) == ("outputs changed", [])
    assert (cell.pictures_before, cell.pictures_after) == ([PICTURE], [other])
    assert "script" not in cell.model_dump_json()


@pytest.mark.parametrize("png", ["PHN2Zz4=", PICTURE + '" onload="x', 'iVBORw0KGgo">', None, {"a": 1}])
def test_what_is_no_picture_is_not_shown_as_one(png):
    [cell] = changed_cells(notebook(code("a")), notebook(code("a", shown(png))))

    assert (cell.outputs, cell.pictures_after) == ("outputs are new", [])


@pytest.mark.parametrize("strange", [{"cells": 1}, {"cells": [1, {"outputs": 3}, {"source": {"a": []}}]}])
def test_whatever_stands_in_a_notebook_is_read_or_left_to_the_difference_of_its_lines(strange):
    found = changed_cells(notebook(), json.dumps(strange).encode())

    assert found is None or [cell.kind for cell in found] == ["added", "added"]


def test_what_is_too_much_is_cut_or_left_to_the_difference_of_its_lines():
    [cell] = changed_cells(b"", notebook(code("x" * 3 * LONGEST_CELL)))

    assert len("".join(cell.lines)) <= LONGEST_CELL
    assert changed_cells(b"", notebook(*[code("a")] * (MOST_CELLS + 1))) is None
