"""Notebooks to be read: their cells, their links, and what hostile ones may not do."""

from __future__ import annotations

import json

import pytest

from landing.notebooks import code_html, notebook_view
from tests.landing.conftest import NOTEBOOK, PROJECT, WORKSHEET
from tests.landing.reading import HOSTILE, Page
from tests.publishing import notebook
from workspace_api.worksheets.parameters import NotebookError


def view(*cells: object, language: str = "python"):
    metadata = {"kernelspec": {"language": language}}
    return notebook_view(
        json.dumps({"cells": cells, "metadata": metadata}).encode(), "a/b", "c" * 40, "docs/n.ipynb"
    )


def code(source: object, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "source": source, **more}


def test_text_is_rendered_and_code_is_coloured():
    text, shown = view({"cell_type": "markdown", "source": ["# One\n", "[x](m.ipynb)"]}, code("x = 1")).cells

    assert Page(text.html).one("a")["href"] == f"/projects/a/b/notebooks/docs/m.ipynb?ref={'c' * 40}"
    assert Page(shown.html).text == "x = 1"
    assert '<span class="hl-mi">1</span>' in shown.html


def test_the_cell_that_becomes_the_form_is_marked():
    cells = view(code("n = 1", metadata={"tags": ["parameters"]}), code("n"), code("n", metadata=None)).cells

    assert [cell.parameters for cell in cells] == [True, False, False]


@pytest.mark.parametrize("language", ["python", "R", "julia", "", "<b>", "html", "\0"])
def test_code_in_any_language_is_shown_and_executed_in_none(language):
    (cell,) = view(code(HOSTILE), language=language).cells

    assert Page(cell.html).active() == []
    assert Page(cell.html).text == HOSTILE


@pytest.mark.parametrize(
    "cell",
    [
        {},
        {"source": 5},
        code(None),
        code([1, {"a": 2}]),
        code({}),
        code("x", metadata={"tags": "parameters"}),
    ],
)
def test_a_cell_of_an_unusual_shape_is_shown_as_far_as_it_goes(cell):
    (shown,) = view(cell).cells

    assert not shown.parameters


def test_what_is_no_text_becomes_a_mark(tmp_path):
    text, shown = view({"cell_type": "markdown", "source": "a \ud800"}, code("'\ud800\0'")).cells

    assert "a ?" in text.html
    assert Page(shown.html).text == "'?\ufffd'"
    assert (text.html + shown.html).encode()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"cells": {}}', b"[" * 100_000, b'{"worksheets": []}'])
def test_what_is_no_notebook_is_refused(data):
    with pytest.raises(NotebookError):
        notebook_view(data, "a/b", "c", "n.ipynb")


def test_long_notebooks_are_cut_and_say_by_how_much():
    many = view(*[code("x")] * 600)
    large = view(*[code("x" * 90_000)] * 10)
    (wide,) = view(code("x" * 150_000)).cells

    assert (len(many.cells), many.more) == (500, 100)
    assert (len(large.cells), large.more) == (3, 7)
    assert wide.html.endswith("the rest of this cell is left out.")


def test_code_that_would_take_long_to_colour_stays_plain():
    for text in ("\n " * 5_000, "x = 1\n" * 3_000, "a" + "\t" * 300 + "b"):
        assert code_html(text, "python") == text


@pytest.fixture(scope="module")
def browser(house):
    return house.visitor()


def test_the_page_shows_a_worksheet_without_running_it(browser):
    page = Page(browser.get(f"/projects/{PROJECT}/notebooks/{NOTEBOOK}").text)

    assert "Nothing is executed here" in page.text
    assert "Parameters: these become the form." in page.text
    assert page.all("a", href=WORKSHEET)
    assert page.active() == []


def test_outputs_of_a_notebook_are_not_shown_and_its_text_can_do_nothing(house, browser):
    made = json.loads(notebook(f"print({HOSTILE!r})"))
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/html": "<script>output()</script>"},
    }
    made["cells"][-1]["outputs"] = [output]
    made["cells"].append({"cell_type": "markdown", "metadata": {}, "source": f"# {HOSTILE}"})
    path = house.publish({f"deep/{'n' * 20}.ipynb": json.dumps(made)})
    html = browser.get(f"/projects/{path}/notebooks/deep/{'n' * 20}.ipynb").text

    assert Page(html).active() == []
    assert "output()" not in html


def test_a_damaged_notebook_says_why_it_cannot_be_shown(house, browser):
    path = house.publish(
        {"broken.ipynb": "{", "empty.ipynb": '{"cells": []}', "odd.ipynb": '{"cells": ["\\ud800", 1]}'}
    )
    broken = browser.get(f"/projects/{path}/notebooks/broken.ipynb")

    assert broken.status_code == 200
    assert (
        "This notebook cannot be shown: it is not a notebook: its text is not JSON." in Page(broken.text).text
    )
    for name in ("empty", "odd"):
        assert "This notebook is empty." in browser.get(f"/projects/{path}/notebooks/{name}.ipynb").text


@pytest.mark.parametrize(
    "name", ["none.ipynb", "README.md", "../../../etc/passwd.ipynb", "%00.ipynb", "a%0Ab.ipynb"]
)
def test_what_is_no_notebook_of_the_project_is_not_there(browser, name):
    answer = browser.get(f"/projects/{PROJECT}/notebooks/{name}")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_an_older_commit_is_named_and_kept_in_the_links(house, browser):
    commit = house.workspace.projects.snapshot(house.person()[0], PROJECT).commit
    page = Page(browser.get(f"/projects/{PROJECT}/notebooks/{NOTEBOOK}?ref={commit}").text)

    assert commit[:12] in page.text
    assert page.all("a", href=f"{WORKSHEET}?ref={commit}")
