"""New projects: where they go, what they begin with, and what is told about bad names."""

from __future__ import annotations

import os

import pytest

from auth.identity import ANONYMOUS, Identity, Level
from tests.groups.conftest import new_name
from workspace_api.errors import ForbiddenError, InvalidInputError, NotSignedInError
from workspace_api.projects.starting import empty_files, name_errors, templates_in

ADA = Identity(user="ada", level=Level.AUTHOR)
EVE = Identity(user="ada", level=Level.END_USER)


@pytest.fixture
def create(shelf):
    return shelf.workspace.creation.create


def fresh() -> str:
    return "n" + os.urandom(4).hex()


def test_an_empty_one_is_at_once_a_worksheet(shelf, create):
    made = create(ADA, name := fresh(), title='Hearts & "minds"')
    assert (made.path, made.visibility) == (f"ada/{name}", "private")
    found = shelf.workspace.projects.snapshot(ADA, made.path)
    assert (found.title, found.problems) == ('Hearts & "minds"', ())
    [sheet] = found.worksheets
    assert sheet.notebook == "01_first.ipynb"
    assert list(sheet.schema["properties"]) == ["name", "times"]
    commit = shelf.on_forge(made.path).commits.list()[0]
    assert commit.author_email == "ada@labfork.invalid"


def test_a_template_with_another_title(shelf, create):
    made = create(ADA, fresh(), title="My variants: a look", template="alphagenome", visibility="public")
    found = shelf.workspace.projects.snapshot(ADA, made.path)
    assert (found.title, found.problems) == ("My variants: a look", ())
    assert "02_variant_analysis.ipynb" in {sheet.notebook for sheet in found.worksheets}


def test_without_a_title_it_is_called_by_its_name(shelf, create):
    made = create(ADA, name := fresh())
    assert shelf.workspace.projects.snapshot(ADA, made.path).title == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "A name is needed"),
        ("-rf", "cannot be a name"),
        ("Heart", "cannot be a name"),
        ("a--b", "cannot be a name"),
        ("a/b", "cannot be a name"),
        ("x.git", "cannot be a name"),
        ("new", "reserved"),
        ("a" * 64, "64 characters"),
        ("a\nb", "cannot be a name"),
        ("häärt", "cannot be a name"),
    ],
)
def test_names_that_cannot_be(name, words):
    [error] = name_errors(name)
    assert (error.field, words in error.message) == ("name", True)


@pytest.mark.parametrize("name", ["a", "heart-splicing", "h2.v1", "0_a"])
def test_names_that_can_be(name):
    assert name_errors(name) == []


def test_everything_that_is_wrong_is_told_at_once(create):
    with pytest.raises(InvalidInputError) as refusal:
        create(ADA, "-rf", title="x" * 121, template="none", group="nobody", visibility="secret")
    fields = {error.field for error in refusal.value.errors}
    assert fields == {"name", "title", "template", "group", "visibility"}


def test_a_name_that_is_taken(create):
    create(ADA, name := fresh())
    with pytest.raises(InvalidInputError) as refusal:
        create(ADA, name)
    [error] = refusal.value.errors
    assert error.field == "name"
    assert f"There is a project ada/{name} already" in error.message


def test_one_that_was_cut_off_is_filled(shelf, create):
    shelf.workspace.forge.ensure_user("ada", "Ada")
    root = shelf.root
    root.projects.create({"name": (name := fresh()), "namespace_id": root.namespaces.get("ada").id})
    made = create(ADA, name)
    assert shelf.workspace.projects.snapshot(ADA, made.path).worksheets


def test_in_a_group_for_writers_and_admins_alone(shelf, create):
    groups, group = shelf.workspace.groups, new_name()
    groups.add(group, admin="root-ada")
    for role, may in (("reader", False), ("writer", True)):
        groups.put_member(group, "ada", role)
        if may:
            assert create(ADA, fresh(), group=group).namespace == group
        else:
            with pytest.raises(ForbiddenError, match=f"make projects in {group}"):
                create(ADA, fresh(), group=group)
    with pytest.raises(InvalidInputError) as refusal:
        create(ADA, fresh(), group=group, visibility="public")
    assert [error.field for error in refusal.value.errors] == ["visibility"]


def test_levels(create):
    with pytest.raises(ForbiddenError):
        create(EVE, fresh())
    with pytest.raises(NotSignedInError):
        create(ANONYMOUS, fresh())


def test_templates_have_titles(shelf):
    found = templates_in(shelf.workspace.settings.templates)
    assert found["alphagenome"] == "Variant effects with AlphaGenome"
    assert set(empty_files("x")) == {"README.md", "workspace.yaml", "requirements.txt", "01_first.ipynb"}
