"""What one commit of a project holds, read from a real forge."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json

import pytest

from tests.projects.conftest import ADA, ADMIN, VISITOR
from tests.publishing import notebook
from workspace_api.errors import NotFoundError
from workspace_api.projects.views import SnapshotView

A = notebook("n", parameters="n: int = 1  # How many")
MANIFEST = """
title: Variant effects
area: Genomics
summary: Score a variant.
resources: {minutes: 5}
worksheets:
  - {notebook: b.ipynb, title: Second comes first, parameters: {n: {minimum: 1}}}
"""
TAGS = {"tags": ["parameters"]}


def snapshot(shelf, files: dict[str, str], ref: str | None = None):
    return shelf.workspace.projects.snapshot(VISITOR, shelf.publish(files), ref)


def as_notebook(*cells: dict, **metadata) -> str:
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def test_a_snapshot_holds_what_the_manifest_the_notebooks_and_the_readme_say(shelf):
    files = {"workspace.yaml": MANIFEST, "a.ipynb": A, "b.ipynb": A, "README.md": "# Read me\n", "c.py": ""}
    found = snapshot(shelf, files)

    assert (found.title, found.area, found.summary) == ("Variant effects", "Genomics", "Score a variant.")
    assert (found.readme, found.resources, found.problems) == ("# Read me\n", {"minutes": 5.0}, ())
    assert found.commit == shelf.head(found.project.path)
    assert found.version is None
    titles = [(sheet.notebook, sheet.title) for sheet in found.worksheets]
    assert titles == [("b.ipynb", "Second comes first"), ("a.ipynb", "A small notebook")]
    first, second = (sheet.schema["properties"]["n"] for sheet in found.worksheets)
    assert second == {"title": "N", "type": "integer", "description": "How many", "default": 1}
    assert first == {**second, "minimum": 1}
    assert found.worksheets[1].notebook_sha256 == hashlib.sha256(A.encode()).hexdigest()


def test_a_project_without_anything_said_has_its_name_as_title(shelf):
    found = snapshot(shelf, {"a.txt": ""})

    assert (found.title, found.area, found.readme) == (found.project.name, "Other", "")
    assert (found.worksheets, found.problems) == ((), ())


def test_a_notebook_without_a_parameters_cell_is_no_worksheet_and_no_problem(shelf):
    found = snapshot(shelf, {"a.ipynb": as_notebook({"cell_type": "code", "metadata": {}, "source": "1"})})

    assert (found.worksheets, found.problems) == ((), ())


def test_the_environment_follows_from_the_environment_files_alone(shelf):
    path = shelf.publish({"a.ipynb": A, "requirements.txt": "numpy\n", "requirements-more.txt": "x\n"})
    projects = shelf.workspace.projects
    first = projects.snapshot(VISITOR, path).environment_key

    shelf.change(path, {"a.ipynb": notebook("n + 1")})
    assert projects.snapshot(VISITOR, path).environment_key == first
    shelf.change(path, {"requirements-more.txt": "y\n"})
    second = projects.snapshot(VISITOR, path).environment_key

    assert second != first
    assert shelf.workspace.environments.view(second).state == "wanted"


def test_projects_with_the_same_environment_files_share_an_environment(shelf):
    files = {"requirements.txt": "numpy==2.0\n"}

    assert snapshot(shelf, files).environment_key == snapshot(shelf, {**files, "a": "b"}).environment_key


def test_a_binder_folder_is_looked_at_instead_of_the_root(shelf):
    in_root = {"requirements.txt": "numpy\n"}
    keys = [
        snapshot(shelf, {**in_root, "binder/requirements.txt": ""}).environment_key,
        snapshot(shelf, {"binder/requirements.txt": ""}).environment_key,
        snapshot(shelf, in_root).environment_key,
    ]

    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"workspace.yaml": "a: [unclosed\n"}, "workspace.yaml, line 2, is not YAML"),
        ({"workspace.yaml": "worksheets: 7\n"}, "worksheets must be a list"),
        ({"workspace.yaml": "title: !!python/name:os.system\n"}, "python/name:os.system"),
        ({"workspace.yaml": "# " + "a" * 250_000}, "workspace.yaml is larger than 200 kB"),
        ({"workspace.yaml": "# " + "a" * 1_100_000}, "workspace.yaml is larger than 1000 kB"),
        ({"workspace.yaml": "worksheets: [{notebook: b.ipynb}]"}, "there is no notebook “b.ipynb”"),
        (
            {"workspace.yaml": "worksheets: [{notebook: a.ipynb, parameters: {m: {type: string}}}]"},
            "workspace.yaml: a.ipynb has no parameter “m”.",
        ),
        ({"b.ipynb": "this is not JSON"}, "b.ipynb: it is not a notebook: its text is not JSON"),
        ({"b.ipynb": "[]"}, "b.ipynb: it is not a notebook of format 4"),
        ({"b.ipynb": notebook(parameters="x = (")}, "b.ipynb: its parameters cell cannot be read"),
        (
            {
                "workspace.yaml": "worksheets: [{notebook: b.ipynb}]",
                "b.ipynb": as_notebook({"cell_type": "code", "metadata": {}, "source": ""}),
            },
            "b.ipynb is listed as a worksheet, but no cell of it is tagged “parameters”.",
        ),
        ({"binder/apt.txt": "", ".binder/apt.txt": ""}, "both binder and .binder"),
        ({"requirements.txt": "#" * 1_100_000}, "requirements.txt is left out of the environment"),
    ],
)
def test_what_cannot_be_used_is_a_problem_and_the_worksheet_beside_it_stays(shelf, files, problem):
    found = snapshot(shelf, {"a.ipynb": A, **files})

    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert [sheet.notebook for sheet in found.worksheets] == ["a.ipynb"]
    assert shelf.workspace.projects.get(VISITOR, found.project.path).path == found.project.path
    assert found.project.path in {card.path for card in catalogue_of(shelf)}


def catalogue_of(shelf):
    return shelf.workspace.projects.catalogue(VISITOR, per_page=100).items


@pytest.mark.parametrize(
    "readme", ["#" * 1_100_000, "nul \0", "bytes \udcff"], ids=["too large", "with a NUL", "not UTF-8"]
)
def test_a_readme_that_cannot_be_shown_is_no_harm(shelf, readme):
    path = shelf.publish({"a.ipynb": A})
    content = readme.encode("utf-8", "surrogateescape")
    shelf.on_forge(path).files.create(
        {
            "file_path": "README.md",
            "branch": "main",
            "commit_message": "Read me",
            "content": base64.b64encode(content).decode(),
            "encoding": "base64",
        }
    )
    found = shelf.workspace.projects.snapshot(VISITOR, path)

    assert "\0" not in found.readme
    assert found.readme.startswith(("nul \ufffd", "bytes \ufffd", "The README is too large to be shown."))


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# A heading\ntext", "A heading"),
        (["text\n", "## Second\n"], "Second"),
        (["# ", 7], "7"),
        ("no heading", "a"),
        ("#", "a"),
        ("# " + "x" * 300, "x" * 200),
        ("# nul \0 and half \ud800", "nul \ufffd and half ?"),
    ],
)
def test_a_worksheet_is_called_after_its_first_heading_or_its_file(shelf, heading, title):
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": heading},
        {"cell_type": "code", "metadata": TAGS, "source": "n = 1"},
    ]

    assert [sheet.title for sheet in snapshot(shelf, {"a.ipynb": as_notebook(*cells)}).worksheets] == [title]


@pytest.mark.parametrize("language", ["R", "julia", "fortran", "a language of mine"])
def test_a_notebook_in_another_language_is_a_worksheet_without_parameters(shelf, language):
    cell = {"cell_type": "code", "metadata": TAGS, "source": "n <- 1"}
    found = snapshot(
        shelf, {"a.ipynb": as_notebook(cell, kernelspec={"name": language, "language": language})}
    )

    assert found.problems == ()
    assert [sheet.schema["properties"] for sheet in found.worksheets] == [{}]


def test_names_may_hold_what_addresses_may_not(shelf):
    names = ["a b/ä#1?.ipynb", "100%25.ipynb", "a&b=c;d.ipynb", "[x]+{y}.ipynb", "dots...ipynb"]
    found = snapshot(shelf, dict.fromkeys(names, A))

    assert found.problems == ()
    assert {sheet.notebook for sheet in found.worksheets} == set(names)
    kept = shelf.workspace.projects.worksheet(VISITOR, found.project.path, names[0])
    assert kept.notebook == names[0]


def test_checkpoints_are_no_notebooks(shelf):
    assert (
        snapshot(shelf, {".ipynb_checkpoints/a.ipynb": A, "sub/.ipynb_checkpoints/b.ipynb": A}).worksheets
        == ()
    )


def test_of_very_many_notebooks_the_first_200_are_looked_at(shelf):
    plain = as_notebook({"cell_type": "code", "metadata": TAGS, "source": ""})
    found = snapshot(shelf, {f"n{number:03}.ipynb": plain for number in range(201)})

    assert len(found.worksheets) == 200
    assert found.problems == ("Only the first 200 notebooks are looked at.",)


def test_a_ref_is_a_version_a_branch_or_a_commit(shelf):
    path = shelf.publish({"a.ipynb": A})
    first = shelf.tag(path, "v1.0")
    second = shelf.change(path, {"a.ipynb": notebook("n")}, branch="work/in-progress")
    third = shelf.change(path, {"a.ipynb": notebook("n + 3")})

    def at(ref):
        found = shelf.workspace.projects.snapshot(VISITOR, path, ref)
        return found.commit, found.version

    assert at("v1.0") == (first, "v1.0")
    assert at("work/in-progress") == (second, None)
    assert at("main") == at(None) == (third, None)
    assert at(first) == (first, None)


@pytest.mark.parametrize(
    "ref", ["v9.9", "0" * 40, "deadbee", "-x", "a..b", "HEAD~1", "x" * 255, " ", "ä/ö", "%2e%2e"]
)
def test_a_ref_that_names_nothing_is_told(shelf, ref):
    path = shelf.publish({"a.ipynb": A})

    with pytest.raises(NotFoundError) as refused:
        shelf.workspace.projects.snapshot(VISITOR, path, ref)

    assert refused.value.detail == f"{path} has nothing called “{ref[:200]}”."


def test_a_project_without_a_commit_is_told(shelf):
    path = shelf.publish({})

    with pytest.raises(NotFoundError, match="has nothing called “main”"):
        shelf.workspace.projects.snapshot(VISITOR, path)


def test_a_commit_that_was_read_stays_as_it_was_read(shelf):
    path = shelf.publish({"a.ipynb": A})
    first = shelf.workspace.projects.snapshot(VISITOR, path)
    shelf.change(path, {"b.ipynb": A}, action="create")

    assert len(shelf.workspace.projects.snapshot(VISITOR, path).worksheets) == 2
    assert shelf.workspace.projects.snapshot(VISITOR, path, first.commit) == first


def test_a_curated_project_is_shown_at_its_version_and_not_at_its_newest_commit(shelf):
    path = shelf.publish({"a.ipynb": A})
    pinned = shelf.tag(path, "v1.0")
    shelf.workspace.projects.curate(ADMIN, path, version="v1.0")
    shelf.change(path, {"b.ipynb": A}, action="create")

    found = shelf.workspace.projects.snapshot(VISITOR, path)

    assert (found.commit, found.version) == (pinned, "v1.0")
    assert [sheet.notebook for sheet in found.worksheets] == ["a.ipynb"]


def test_a_tag_that_moves_does_not_move_what_is_curated(shelf):
    path = shelf.publish({"a.ipynb": A})
    pinned = shelf.tag(path, "v1.0")
    shelf.workspace.projects.curate(ADMIN, path, version="v1.0")
    shelf.change(path, {"b.ipynb": A}, action="create")
    shelf.on_forge(path).tags.delete("v1.0")
    shelf.tag(path, "v1.0")

    assert shelf.workspace.projects.snapshot(VISITOR, path, "v1.0").commit == pinned


def test_a_version_with_the_name_of_a_branch_is_curated_at_the_version(shelf):
    path = shelf.publish({"a.ipynb": A})
    tagged = shelf.tag(path, "v1.0")
    shelf.change(path, {"a.ipynb": notebook("n")}, branch="v1.0")

    assert shelf.workspace.projects.curate(ADMIN, path, version="v1.0").curated_commit == tagged


def test_a_notebook_that_is_no_worksheet_is_told(shelf):
    path = shelf.publish({"a.ipynb": as_notebook()})

    with pytest.raises(NotFoundError, match=r"has no worksheet “a\.ipynb” at .*tagged “parameters”"):
        shelf.workspace.projects.worksheet(VISITOR, path, "a.ipynb")


def test_a_file_is_given_to_whoever_may_read_the_project(shelf):
    path = shelf.publish({"a.txt": "text"})

    assert shelf.workspace.projects.file(VISITOR, path, "main", "a.txt", 10) == b"text"
    with pytest.raises(NotFoundError, match=r"has no file b\.txt"):
        shelf.workspace.projects.file(VISITOR, path, "main", "b.txt", 10)


def test_a_fork_holds_what_its_origin_holds_and_is_not_read_again(shelf, monkeypatch):
    files = {"workspace.yaml": MANIFEST, "a.ipynb": A, "b.ipynb": A, "README.md": "# Read me\n"}
    origin = snapshot(shelf, files)

    monkeypatch.setattr(shelf.workspace.forge, "tree", None)
    fork = shelf.workspace.projects.snapshot(
        VISITOR, shelf.workspace.sessions.copies.fork(ADA, origin.project.path)
    )

    assert fork.project.path == f"ada/{origin.project.name}"
    for field in dataclasses.fields(SnapshotView):
        if field.name not in ("project", "worksheets"):
            assert getattr(fork, field.name) == getattr(origin, field.name), field.name
    assert [(sheet.title, sheet.schema) for sheet in fork.worksheets] == [
        (sheet.title, sheet.schema) for sheet in origin.worksheets
    ]


def test_a_fork_of_another_name_has_its_own_title(shelf):
    origin = snapshot(shelf, {"a.txt": ""})
    made = shelf.on_forge(origin.project.path).forks.create({"name": "other", "path": "other"})

    assert shelf.workspace.projects.snapshot(ADMIN, made.path_with_namespace).title == "other"
