"""One schema for a worksheet: what the notebook says, and what the manifest adds to it."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from workspace_api.worksheets.parameters import python_parameters
from workspace_api.worksheets.schema import worksheet_schema


def merged(source: str, said: dict) -> dict:
    schema, lost = worksheet_schema(python_parameters(source), {"x": said})
    assert lost == []
    return schema["properties"]["x"]


def test_the_schema_is_an_object_of_every_parameter_in_the_cells_order():
    schema, lost = worksheet_schema(python_parameters("b = 1  # How many\na = 'x'"), {})

    assert lost == []
    assert list(schema["properties"]) == ["b", "a"]
    assert schema["properties"]["b"] == {
        "title": "B",
        "type": "integer",
        "description": "How many",
        "default": 1,
    }
    assert schema["additionalProperties"] is False
    Draft202012Validator.check_schema(schema)


def test_a_name_becomes_a_title():
    schema, _ = worksheet_schema(python_parameters("max_length = 1"), {})

    assert schema["properties"]["max_length"]["title"] == "Max length"


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        ("x = 1  # cell", {"description": "said", "title": "T"}, {"description": "said", "title": "T"}),
        ("x = 1", {"minimum": 0}, {"type": "integer", "minimum": 0}),
        ("x = ['a']", {"items": {"type": "integer"}}, {"type": "array", "items": {"type": "integer"}}),
        ("x = ['a']", {"type": "array", "maxItems": 1}, {"items": {"type": "string"}, "maxItems": 1}),
        ("x = 1", {"type": "number"}, {"type": "number"}),
    ],
)
def test_what_the_manifest_says_wins(source, said, expected):
    assert {**merged(source, said), **expected} == merged(source, said)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = ['a']", {"type": "string"}),
        ("x: Literal['a'] = 'a'", {"type": "integer"}),
        ("x: int | list[int] = 1", {"type": "number"}),
        ("x = 1", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    ],
)
def test_another_type_in_the_manifest_leaves_nothing_of_the_cells(source, said):
    assert set(merged(source, said)) == {"title", "default", *said}


def test_the_default_is_always_the_notebooks():
    assert merged("x = 1", {"default": 2})["default"] == 1


def test_a_parameter_that_the_notebook_lacks_is_told():
    schema, lost = worksheet_schema(python_parameters("x = 1"), {"y": {"type": "string"}})

    assert (list(schema["properties"]), lost) == (["x"], ["y"])
