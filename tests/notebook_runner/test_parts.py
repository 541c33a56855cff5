"""The runner's pure decisions, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from hub.notebook_runner.errors import RefusedError, RequestError
from hub.notebook_runner.explanations import explained
from hub.notebook_runner.headings import headings_in, plain
from hub.notebook_runner.kernel import choose_kernel
from hub.notebook_runner.notebook_file import NotebookFile
from hub.notebook_runner.output_limit import OVERHEAD_BYTES, OutputBudget, cut, readable, size_of
from hub.notebook_runner.parameters import default_parameters, shown
from hub.notebook_runner.plain_text import bounded, bounded_traceback, without_ansi
from hub.notebook_runner.request import DEFAULT_OUTPUT_BYTES, read_request

KERNELS = {"python3": "python", "ir": "r"}


@pytest.mark.parametrize(
    ("markdown", "headings"),
    [
        ("# One\ntext\n## Two ##", ["One", "Two"]),
        ("#no space", []),
        ("```\n# code\n```\n# real", ["real"]),
        ("    # indented code", []),
        ("#  ", []),
    ],
)
def test_headings_are_read_as_markdown_does(markdown: str, headings: list[str]) -> None:
    assert headings_in(markdown) == headings


def test_heading_marks_are_left_out_but_names_keep_their_underscores() -> None:
    assert plain("**Bold** `snake_case` [link](https://a.example/b_c) _it_") == "Bold snake_case link it"
    assert len(plain("x" * 500)) == 120


@pytest.mark.parametrize(
    ("metadata", "kernel"),
    [
        ({"kernelspec": {"name": "python3", "language": "python"}}, "python3"),
        ({"kernelspec": {"name": "labenv", "language": "python"}}, "python3"),
        ({"kernelspec": {"name": "python3.9"}}, "python3"),
        ({"language_info": {"name": "Python"}}, "python3"),
        ({"kernelspec": {"name": "ir", "language": "R"}}, "ir"),
        ({"kernelspec": {"name": "my-r", "language": "R"}}, "ir"),
    ],
)
def test_a_notebook_runs_on_the_kernel_of_its_language(metadata: dict[str, Any], kernel: str) -> None:
    assert choose_kernel(metadata, KERNELS) == kernel


@pytest.mark.parametrize(
    ("metadata", "words"),
    [({}, "does not say"), ({"kernelspec": {"name": "julia-1.9", "language": "julia"}}, "'julia-1.9'")],
)
def test_a_kernel_that_is_not_there_is_refused_with_a_remedy(metadata: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as refused:
        choose_kernel(metadata, KERNELS)
    assert "save" in str(refused.value)


def cell(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}}


def test_defaults_are_read_without_running_anything() -> None:
    source = 'a: int = 3  # x = y\nb = "1 # 2"\nc = [1, "x"]\nd = 3 * 10\ne: str\nprint("never")'

    assert default_parameters([cell("z = 1"), cell(source, "parameters")]) == {
        "a": 3,
        "b": "1 # 2",
        "c": [1, "x"],
        "d": "3 * 10",
    }


@pytest.mark.parametrize("cells", [[], [cell("a = 1")], [cell("a <- 1 +", "parameters")]])
def test_no_parameters_are_no_parameters(cells: list[Any]) -> None:
    assert default_parameters(cells) == {}


@pytest.mark.parametrize(
    ("value", "words"), [(True, "yes"), (None, "–"), ("", "–"), ([], "–"), (["a", 1], "a, 1"), (0, "0")]
)
def test_values_are_shown_as_people_write_them(value: Any, words: str) -> None:
    assert shown(value) == words


def test_the_budget_is_exhausted_by_what_does_not_fit() -> None:
    budget = OutputBudget(100)

    assert budget.take(0, 60) == 60
    assert not budget.exhausted
    assert budget.take(1, 60) == 40
    assert budget.exhausted


def test_cleared_output_is_given_back() -> None:
    budget = OutputBudget(100)
    budget.take(0, 90)
    budget.release(0)

    assert budget.take(0, 90) == 90
    assert not budget.exhausted


def test_every_kind_of_output_is_measured_in_bytes() -> None:
    assert size_of({"text": "é"}) == OVERHEAD_BYTES + 2
    assert size_of({"data": {"text/plain": "abc", "application/json": {"a": 1}}}) == OVERHEAD_BYTES + 3 + 8
    assert size_of({"ename": "E", "evalue": "xy", "traceback": ["abc"]}) == OVERHEAD_BYTES + 5


def test_text_is_shortened_and_pictures_are_left_out() -> None:
    assert cut({"name": "stdout", "text": "éé"}, 3) == {"name": "stdout", "text": "é"}
    assert cut({"data": {"image/png": "..."}, "metadata": {}}, 3) is None


@pytest.mark.parametrize(("size", "words"), [(999, "999 bytes"), (20_000_000, "20 MB"), (1_500, "1.5 kB")])
def test_sizes_are_readable(size: int, words: str) -> None:
    assert readable(size) == words


def test_terminal_colours_and_control_characters_are_taken_out() -> None:
    assert without_ansi("\x1b[0;31mred\x1b[0m\x07 \x1b]0;t") == "red 0;t"


def test_long_texts_keep_the_part_that_matters() -> None:
    assert bounded("abcdef", 4) == "abc…"
    assert bounded_traceback("abcdef", 4) == "…def"


def test_the_notebook_is_saved_now_and_then_and_always_whole(tmp_path: Path) -> None:
    now = [0.0]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("lone \ud800 surrogate")])
    file = NotebookFile(tmp_path / "notebook.ipynb", clock=lambda: now[0])

    file.autosave(notebook)
    assert list(tmp_path.iterdir()) == []

    now[0] = 5.0
    file.autosave(notebook)
    assert [path.name for path in tmp_path.iterdir()] == ["notebook.ipynb"]
    assert nbformat.read(tmp_path / "notebook.ipynb", as_version=4).cells[0].source == "lone \ud800 surrogate"


def test_a_request_without_the_optional_parts_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text('{"notebook": "a.ipynb", "project": "/p", "result": "/r"}')

    request = read_request(path)

    assert (request.parameters, request.title, request.notices, request.facts) == ({}, "", (), ())
    assert request.output_bytes == DEFAULT_OUTPUT_BYTES


@pytest.mark.parametrize(
    "content", ["", "[]", '{"project": "/p"}', '{"notebook": "a", "project": 1, "result": ""}']
)
def test_a_request_that_is_wrong_says_where(tmp_path: Path, content: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(content)

    with pytest.raises(RequestError, match=r"request\.json"):
        read_request(path)


@pytest.mark.parametrize(
    ("name", "message", "words"),
    [
        ("MemoryError", "", "more memory than it may use"),
        (
            "MemoryError",
            "Unable to allocate 9 GiB",
            "Unable to allocate 9 GiB. The notebook needed more memory",
        ),
        (
            "OSError",
            "[Errno 28] No space left on device",
            "No space left on device. The notebook filled the disk",
        ),
        ("OSError", "[Errno 27] File too large", "filled the disk space"),
    ],
)
def test_errors_of_the_system_are_explained(name: str, message: str, words: str) -> None:
    assert words in explained(name, message)


def test_other_errors_speak_for_themselves() -> None:
    assert explained("ValueError", "no such tissue") == "no such tissue"
