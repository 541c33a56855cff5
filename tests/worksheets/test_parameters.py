"""The parameters of a notebook, read from its cell without executing it."""

from __future__ import annotations

import json

import pytest

from workspace_api.worksheets.parameters import (
    NotebookError,
    Parameter,
    inspected_parameters,
    language_of,
    parameters_cell,
    python_parameters,
    read_notebook,
)

TAGGED = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "n = 1"}


def parameter(source: str) -> Parameter:
    (found,) = python_parameters(source)
    return found


def names(source: str) -> list[str]:
    return [found.name for found in python_parameters(source)]


@pytest.mark.parametrize(
    ("value", "kept", "schema"),
    [
        ("7", 7, {"type": "integer"}),
        ("-7", -7, {"type": "integer"}),
        ("0.5", 0.5, {"type": "number"}),
        ("1_000", 1000, {"type": "integer"}),
        ("'a'", "a", {"type": "string"}),
        ("'a' 'b'", "ab", {"type": "string"}),
        ("True", True, {"type": "boolean"}),
        ("None", None, {}),
        ("['a', 'b']", ["a", "b"], {"type": "array", "items": {"type": "string"}}),
        ("[1, 2.5]", [1, 2.5], {"type": "array", "items": {"type": "number"}}),
        ("[1, 'a']", [1, "a"], {"type": "array"}),
        ("[True, 1]", [True, 1], {"type": "array"}),
        ("[]", [], {"type": "array"}),
        ("(1, 2)", [1, 2], {"type": "array", "items": {"type": "integer"}}),
        ("{2, 1}", [1, 2], {"type": "array", "items": {"type": "integer"}}),
        ("{'a': [1], 2: None}", {"a": [1], "2": None}, {"type": "object"}),
        ("'''a\n%b\n!c'''", "a\n%b\n!c", {"type": "string"}),
    ],
)
def test_a_default_says_of_which_type_its_parameter_is(value, kept, schema):
    found = parameter(f"x = {value}")

    assert (found.name, found.default, found.schema) == ("x", kept, schema)


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}),
        ("'int'", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("str", {"type": "string"}),
        ("bool", {"type": "boolean"}),
        ("list", {"type": "array"}),
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        ("List[str]", {"type": "array", "items": {"type": "string"}}),
        ("typing.Sequence[int]", {"type": "array", "items": {"type": "integer"}}),
        ("list[list[int]]", {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        ("list[Unknown]", {"type": "array"}),
        ("set[str]", {"type": "array", "items": {"type": "string"}}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        ("tuple[int, int]", {"type": "array", "items": {"type": "integer"}}),
        ("tuple[int, str]", {"type": "array"}),
        ("dict[str, int]", {"type": "object"}),
        ("Dict[str, int]", {"type": "object"}),
        ("None", {"type": "null"}),
        ("Optional[int]", {"type": ["integer", "null"]}),
        ("typing.Optional[int]", {"type": ["integer", "null"]}),
        ("int | None", {"type": ["integer", "null"]}),
        ("None | int", {"type": ["null", "integer"]}),
        ("Union[int, str, None]", {"type": ["integer", "string", "null"]}),
        ("Union[int, int]", {"type": "integer"}),
        ("int | Unknown", {"type": "string"}),
        ("list[str] | None", {"type": ["array", "null"], "items": {"type": "string"}}),
        ("None | list[str]", {"type": ["null", "array"], "items": {"type": "string"}}),
        (
            "int | list[int]",
            {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
        ),
        ("float | Literal['auto']", {"anyOf": [{"type": "number"}, {"type": "string", "enum": ["auto"]}]}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[1, 'a']", {"type": ["integer", "string"], "enum": [1, "a"]}),
        ("Literal[-1]", {"type": "integer", "enum": [-1]}),
        ("Literal['a', None]", {"type": ["string", "null"], "enum": ["a", None]}),
        ("Optional[Literal['a']]", {"type": ["string", "null"], "enum": ["a", None]}),
        ("Annotated[int, 'in bp']", {"type": "integer"}),
        ("np.ndarray", {"type": "string"}),
        ("'not ( python'", {"type": "string"}),
        ("print('x')", {"type": "string"}),
    ],
)
def test_an_annotation_says_more_and_one_that_is_unknown_leaves_it_to_the_default(annotation, schema):
    assert parameter(f"x: {annotation} = 'default'").schema == schema


def test_a_list_that_does_not_say_of_what_has_the_items_of_its_default():
    assert parameter("x: list = [1, 2]").schema == {"type": "array", "items": {"type": "integer"}}


def test_a_default_of_none_with_an_annotation_stays_none():
    found = parameter("x: Optional[float] = None")

    assert (found.default, found.schema) == (None, {"type": ["number", "null"]})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1  # How many", "How many"),
        ("# How many\nx = 1", "How many"),
        ("# How many\n# there are\nx = 1", "How many there are"),
        ("# Above\nx = 1  # Beside", "Beside"),
        ("x = [\n    1,  # one\n]  # The list", "The list"),
        ("x = '# no comment'", ""),
        ("# Far away\n\nx = 1", ""),
        ("%matplotlib inline\nx = 1", ""),
        ("#x\nx = 1", "x"),
    ],
)
def test_a_comment_beside_or_right_above_is_the_help(source, words):
    assert parameter(source).help == words


@pytest.mark.parametrize(
    "source",
    ["%matplotlib inline\nx = 1", "!pip install a\nx = 1", "%%time\nx = 1", "x = 1\n%autoreload 2\n"],
)
def test_magics_are_passed_over(source):
    assert names(source) == ["x"]


def test_the_last_assignment_counts_and_the_first_place():
    assert [(p.name, p.default) for p in python_parameters("a = 1\nb = 2\na = 3")] == [("a", 3), ("b", 2)]


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "x: int",
        "a, b = 1, 2",
        "a = b = 1",
        "a.b = 1",
        "x += 1",
        "if True:\n    x = 1",
        "x = y",
        "x = f'{y}'",
        "x = b'bytes'",
        "x = 1j",
        "x = 1e999",
        "x = " + "9" * 400,
        "x = {1, 'a'}",
        "x = " + "[" * 60 + "]" * 60,
    ],
)
def test_what_is_no_plain_value_is_no_parameter_and_harms_no_other(source):
    assert names(f"before = 1\n{source}\nafter = 2") == ["before", "after"]


def test_nothing_of_a_cell_is_executed(tmp_path):
    made = tmp_path / "made"
    touch = f'open("{made}", "w")'

    assert names(f"x = {touch}\ny: {touch} = 1\n{touch}\n!touch {made}\nz: '{touch}' = 2") == ["y", "z"]
    assert not made.exists()


@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize(
    "source",
    [
        "x = (",
        "x = 'unclosed",
        "  x = 1",
        "val x = 1",
        "x = 1\0",
        "x = !ls",
        "x = " + "[" * 5000 + "]" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "1+" * 60_000 + "1",
        "x = a" + ".a" * 60_000,
        "x = '" + "a" * 200_000 + "'",
    ],
)
def test_a_cell_that_cannot_be_read_is_refused_in_words(source):
    with pytest.raises(
        NotebookError, match=r"^its parameters cell (cannot be read: .|is larger than 200 kB)"
    ):
        python_parameters(source)


def test_an_annotation_that_nests_without_end_says_nothing():
    assert parameter("x: " + " | ".join(["int"] * 500) + " = 1").schema == {"type": "integer"}


def test_the_first_tagged_code_cell_is_the_parameters_cell():
    markdown = {"cell_type": "markdown", "metadata": {"tags": ["parameters"]}, "source": "# no"}
    second = {**TAGGED, "source": "n = 2"}

    assert parameters_cell({"cells": [markdown, TAGGED, second]}) == "n = 1"


def test_the_lines_of_a_cell_are_put_together():
    assert parameters_cell({"cells": [{**TAGGED, "source": ["n = 1\n", "m = 2"]}]}) == "n = 1\nm = 2"


@pytest.mark.parametrize(
    "cell",
    [
        7,
        None,
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "metadata": []},
        {"cell_type": "code", "metadata": {"tags": "parameters"}},
        {"cell_type": "code", "metadata": {"tags": ["other"]}},
        {"cell_type": "raw", "metadata": {"tags": ["parameters"]}},
    ],
)
def test_a_notebook_without_a_parameters_cell_is_no_worksheet(cell):
    assert parameters_cell({"cells": [cell]}) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"this is not JSON", "its text is not JSON"),
        (b"\xff\xfe\xff", "its text is not JSON"),
        (b"", "its text is not JSON"),
        (b"[" * 200_000, "its text is not JSON"),
        (b"[]", "it has no list of cells"),
        (b'{"worksheets": []}', "it has no list of cells"),
        (b'{"cells": {}}', "it has no list of cells"),
        (b" " * 20_000_001, "it is larger than 20 MB"),
    ],
)
def test_what_is_no_notebook_is_told(text, words):
    with pytest.raises(NotebookError, match=words):
        read_notebook(text)


def test_a_notebook_is_read_as_its_json():
    assert read_notebook(json.dumps({"cells": [TAGGED]}).encode()) == {"cells": [TAGGED]}


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"language": "R"}}, "r"),
        ({"language_info": {"name": "Julia"}}, "julia"),
        ({"kernelspec": {"name": "ir"}, "language_info": {"name": "R"}}, "r"),
        ({"kernelspec": []}, "python"),
        ({}, "python"),
        ([], "python"),
        (None, "python"),
    ],
)
def test_a_notebook_says_its_language_or_it_is_python(metadata, language):
    assert language_of({"cells": [], "metadata": metadata}) == language


@pytest.mark.parametrize(
    "language", ["r", "julia", "scala", "matlab", "bash", "fortran", "", "a language of mine"]
)
def test_of_other_languages_papermill_says_nothing_and_nothing_fails(language):
    assert inspected_parameters("n <- 1", language) == []
