"""Projects that keep no outputs: versions are without them, the person's own files keep them."""

from __future__ import annotations

import json

import nbformat
import pytest

from hub.workbench.stripping import without_outputs


@pytest.fixture
def ada(person, fork, origin):
    """Ada has opened her fork."""
    made = person("ada")
    made.open(fork, origin)
    return made


def executed(*sources: str) -> str:
    """Return a notebook as Jupyter writes it after its cells were run."""
    cells = [
        nbformat.v4.new_code_cell(
            source,
            execution_count=number,
            outputs=[nbformat.v4.new_output("stream", text=f"computed {number}\n")],
            metadata={"execution": {"iopub.status.busy": "2026-11-25T10:00:00Z"}},
        )
        for number, source in enumerate(sources, 1)
    ]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells))


def saved_notebook(ada, fork) -> dict:
    return json.loads(ada.git("show", "main:a.ipynb", cwd=fork))


def test_versions_are_without_outputs_and_the_file_keeps_them(ada, fork):
    whole = executed("print('computed')", "1 + 1")
    (ada.checkout / "workspace.yaml").write_text("title: T\noutputs: strip  # they are large\n")
    (ada.checkout / "a.ipynb").write_text(whole)
    saved = ada.ask("save", message="Computed")
    cells = saved_notebook(ada, fork)["cells"]

    assert saved["changed"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * 2
    assert [cell["source"] for cell in cells] == [["print('computed')"], ["1 + 1"]]
    assert (ada.checkout / "a.ipynb").read_text() == whole
    assert ada.ask("changes")["files"] == []
    assert not ada.ask("save", message="Again")["changed"]


def test_computing_again_is_no_change_and_new_code_is(ada, fork):
    (ada.checkout / "workspace.yaml").write_text("outputs: strip\n")
    (ada.checkout / "a.ipynb").write_text(executed("import random; print(random.random())"))
    ada.ask("save", message="First")
    again = json.loads((ada.checkout / "a.ipynb").read_text())
    again["cells"][0]["outputs"][0]["text"] = ["0.5\n"]
    (ada.checkout / "a.ipynb").write_text(json.dumps(again))

    assert ada.ask("changes")["files"] == []
    again["cells"][0]["source"] = ["print(1)"]
    (ada.checkout / "a.ipynb").write_text(json.dumps(again))
    [found] = ada.ask("changes")["files"]
    assert found["cells"][0]["lines"][-1] == "+print(1)"
    assert "outputs" not in found["cells"][0]


def test_the_setting_works_on_notebooks_that_were_saved_before_and_can_be_taken_back(ada, fork):
    (ada.checkout / "a.ipynb").write_text(executed("print('computed')"))
    ada.ask("save", message="With outputs")
    assert saved_notebook(ada, fork)["cells"][0]["outputs"]
    (ada.checkout / "workspace.yaml").write_text("outputs: strip\n")
    ada.ask("save", message="Without")
    assert saved_notebook(ada, fork)["cells"][0]["outputs"] == []
    (ada.checkout / "workspace.yaml").write_text("outputs: keep\n")
    ada.ask("changes")
    ada.ask("save", message="With them again")

    assert saved_notebook(ada, fork)["cells"][0]["outputs"]


@pytest.mark.parametrize("text", [b"", b"{ broken", b"[]", b'{"cells": 1}', b"\xff", b'{"cells": [{}]}'])
def test_what_is_no_notebook_is_left_as_it_is(text):
    assert without_outputs(text) == text


def test_a_notebook_without_outputs_is_left_byte_for_byte():
    text = b'{"cells":[{"cell_type":"code","metadata":{},"outputs":[],"execution_count":null}],"metadata":{}}'

    assert without_outputs(text) == text
