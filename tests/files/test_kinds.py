"""Which parameters are files, and of which kind."""

from __future__ import annotations

import pytest

from workspace_api.files.kinds import chosen_files, endings, file_schema
from workspace_api.files.service import inside, with_paths

FILE = {"type": "string", "format": "file"}


@pytest.mark.parametrize(
    ("field", "is_file"),
    [
        (FILE, True),
        ({"type": "array", "items": FILE}, True),
        ({"anyOf": [FILE, {"type": "null"}]}, True),
        ({"type": "string"}, False),
        ({"type": "array"}, False),
    ],
)
def test_files_alone_in_lists_and_as_a_choice(field, is_file):
    assert (file_schema(field) is not None) is is_file


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({}, ()),
        ({"contentMediaType": "text/csv"}, (".csv", ".csv.gz", ".csv.bgz")),
        ({"x-endings": [".VCF.gz"]}, (".vcf.gz",)),
        ({"contentMediaType": "no/such"}, ()),
    ],
)
def test_endings(said, ends):
    assert endings({**FILE, **said}) == ends


def test_files_of_the_project_itself_are_not_looked_for():
    schema = {"properties": {"a": FILE, "b": {"type": "array", "items": FILE}, "c": {"type": "string"}}}
    values = {"a": "example.csv", "b": ["~/x", "/shared/public/y"], "c": "~/no"}
    assert list(chosen_files(schema, values)) == [("b", "~/x"), ("b", "/shared/public/y")]
    found = {"~/x": inside("~/x"), "/shared/public/y": inside("/shared/public/y")}
    assert with_paths(schema, values, found) == {
        "a": "example.csv",
        "b": ["/home/jovyan/x", "/shared/public/y"],
        "c": "~/no",
    }
