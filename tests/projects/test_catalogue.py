"""The catalogue: who sees which project, what is curated, and how it is found."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from auth.identity import Identity, Level
from tests.conftest import wait_for
from tests.projects.conftest import ADA, ADMIN, VISITOR
from tests.publishing import notebook
from workspace_api.database import now
from workspace_api.errors import ForbiddenError, InvalidInputError, NotFoundError, NotSignedInError

A = notebook("n")


def listed(shelf, identity, **filters) -> list[str]:
    """Return the paths of this module's projects in the order of the catalogue."""
    page = shelf.workspace.projects.catalogue(identity, per_page=100, **filters)
    return [card.path for card in page.items if card.path.startswith(shelf.group + "/")]


def curated(shelf, *, area: str, files: dict[str, str] | None = None, summary: str = "") -> str:
    path = shelf.publish({"a.ipynb": A, **(files or {})})
    shelf.tag(path, "v1.0")
    shelf.workspace.projects.curate(ADMIN, path, version="v1.0", area=area, summary=summary)
    return path


@pytest.fixture
def member(shelf):
    """Makes somebody of the workspace a member of a project on the forge."""

    def make(path: str, level: int = 20) -> Identity:
        name = "m" + os.urandom(4).hex()
        shelf.workspace.forge.ensure_user(name, name)
        user = shelf.root.users.list(username=name, get_all=True)[0]
        shelf.on_forge(path).members.create({"user_id": user.id, "access_level": level})
        return Identity(user=name, level=Level.AUTHOR)

    return make


@pytest.mark.parametrize(
    ("visibility", "identity", "seen"),
    [
        ("public", VISITOR, True),
        ("public", ADA, True),
        ("internal", VISITOR, False),
        ("internal", ADA, True),
        ("internal", ADMIN, True),
        ("private", VISITOR, False),
        ("private", ADA, False),
        ("private", ADMIN, True),
    ],
)
def test_who_sees_a_project_follows_from_its_visibility_on_the_forge(shelf, visibility, identity, seen):
    path = shelf.publish({"a.ipynb": A}, visibility=visibility)
    projects = shelf.workspace.projects
    projects.refresh(path)

    assert (path in listed(shelf, identity)) is seen
    for call in (
        lambda: projects.get(identity, path),
        lambda: projects.snapshot(identity, path),
        lambda: projects.worksheet(identity, path, "a.ipynb"),
        lambda: projects.file(identity, path, "main", "a.ipynb", 100_000),
        lambda: projects.versions(identity, path),
    ):
        if seen:
            call()
        else:
            with pytest.raises(NotFoundError) as refused:
                call()
            assert refused.value.detail == f"There is no project {path}."


def test_what_is_private_and_what_is_not_there_look_the_same(shelf):
    private = shelf.publish({"a.ipynb": A}, visibility="private")

    for path in (private, f"{shelf.group}/nothing"):
        with pytest.raises(NotFoundError, match=f"There is no project {path}"):
            shelf.workspace.projects.get(ADA, path)


def test_a_member_reads_a_private_project_by_its_address(shelf, member):
    path = shelf.publish({"a.ipynb": A}, visibility="private")
    somebody = member(path)

    assert shelf.workspace.projects.worksheet(somebody, path, "a.ipynb").visibility == "private"
    assert path not in listed(shelf, somebody)


def test_somebody_who_is_no_member_any_more_reads_nothing(shelf, member):
    path = shelf.publish({"a.ipynb": A}, visibility="private")
    somebody = member(path)
    shelf.workspace.projects.get(somebody, path)
    made = shelf.on_forge(path)
    made.members.delete(made.members.list(get_all=True)[0].id)

    with pytest.raises(NotFoundError):
        shelf.workspace.projects.get(somebody, path)


def test_a_token_that_may_not_read_sees_no_project(shelf):
    path = shelf.publish({"a.ipynb": A})
    token = Identity(user="ada", level=Level.DEVELOPER, scopes=frozenset({"alphagenome"}))

    with pytest.raises(NotFoundError):
        shelf.workspace.projects.get(token, path)


def test_a_project_that_turned_private_is_hidden_a_minute_later(shelf):
    path = shelf.publish({"a.ipynb": A})
    shelf.workspace.projects.get(VISITOR, path)
    made = shelf.on_forge(path)
    made.visibility = "private"
    made.save()
    shelf.let_a_minute_pass(path)

    with pytest.raises(NotFoundError):
        shelf.workspace.projects.snapshot(VISITOR, path)
    assert path not in listed(shelf, VISITOR)


def test_a_project_that_was_deleted_on_the_forge_is_gone_a_minute_later(shelf):
    path = shelf.publish({"a.ipynb": A})
    shelf.workspace.projects.get(VISITOR, path)
    shelf.on_forge(path).delete()

    with pytest.raises(NotFoundError):
        shelf.workspace.projects.versions(VISITOR, path)
    with pytest.raises(NotFoundError):
        shelf.workspace.projects.snapshot(VISITOR, path)
    shelf.let_a_minute_pass(path)
    with pytest.raises(NotFoundError):
        shelf.workspace.projects.get(VISITOR, path)


def test_a_project_that_was_made_anew_at_its_path_is_the_new_one(shelf):
    path = shelf.publish({"a.ipynb": A})
    lost = shelf.workspace.projects.snapshot(VISITOR, path).commit
    shelf.on_forge(path).delete()
    group = shelf.root.groups.get(shelf.group)
    made = shelf.root.projects.create(
        {"name": path.split("/")[1], "namespace_id": group.id, "visibility": "public"}
    )
    made.commits.create(
        {
            "branch": "main",
            "commit_message": "Anew",
            "actions": [{"action": "create", "file_path": "b.ipynb", "content": A}],
        }
    )
    shelf.let_a_minute_pass(path)

    found = shelf.workspace.projects.snapshot(VISITOR, path)

    assert found.commit != lost
    assert [sheet.notebook for sheet in found.worksheets] == ["b.ipynb"]


@pytest.mark.parametrize(
    "path", ["", "nothing", "/", "a/", "../a", "genomics/../x", "a/b/c/d", "%2e%2e/x", "a\nb/c"]
)
def test_a_path_of_nothing_is_told(shelf, path):
    with pytest.raises(NotFoundError, match="There is no project"):
        shelf.workspace.projects.get(VISITOR, path)


def test_a_project_is_listed_once_somebody_has_opened_it(shelf):
    path = shelf.publish({"a.ipynb": A})
    assert path not in listed(shelf, VISITOR)

    shelf.workspace.projects.get(VISITOR, path)

    assert path in listed(shelf, VISITOR)
    assert path in listed(shelf, VISITOR, curated=False)
    assert path not in listed(shelf, VISITOR, curated=True)


def test_curating_pins_a_version_and_lists_its_worksheets(shelf):
    manifest = "title: Pinned\narea: Mine\nsummary: Of mine.\n"
    path = shelf.publish({"a.ipynb": A, "workspace.yaml": manifest})
    commit = shelf.tag(path, "v1.0")
    shelf.change(path, {"workspace.yaml": "title: Later\n"})

    view = shelf.workspace.projects.curate(ADMIN, path, version="v1.0")

    assert (view.curated_version, view.curated_commit, view.area) == ("v1.0", commit, "Mine")
    (card,) = shelf.workspace.projects.catalogue(VISITOR, q=path).items
    assert (card.title, card.area, card.summary) == ("Pinned", "Mine", "Of mine.")
    assert (card.version, card.commit) == ("v1.0", commit)
    assert [sheet.notebook for sheet in card.worksheets] == ["a.ipynb"]


def test_curating_may_say_another_area_and_summary_and_another_version_later(shelf):
    path = curated(shelf, area="First", summary="One.")
    shelf.change(path, {"a.ipynb": notebook("n + 1")})
    second = shelf.tag(path, "v1.1")

    view = shelf.workspace.projects.curate(ADMIN, path, version="v1.1", area="Second", summary="Two.")

    assert (view.curated_version, view.curated_commit, view.area) == ("v1.1", second, "Second")
    (card,) = shelf.workspace.projects.catalogue(VISITOR, q=path).items
    assert card.summary == "Two."


@pytest.mark.parametrize("version", ["v9.9", "main", "", "0" * 40])
def test_only_a_saved_version_can_be_curated(shelf, version):
    path = shelf.publish({"a.ipynb": A})

    with pytest.raises(InvalidInputError) as refused:
        shelf.workspace.projects.curate(ADMIN, path, version=version)

    (error,) = refused.value.errors
    assert error.field == "version"
    assert error.message == f"{path} has no version “{version}”. Save it as a version first."


@pytest.mark.parametrize(
    ("identity", "refused"),
    [
        (VISITOR, NotSignedInError),
        (ADA, ForbiddenError),
        (replace(ADMIN, within="a session"), ForbiddenError),
    ],
)
def test_only_administrators_curate_and_not_by_the_token_of_a_session(shelf, identity, refused):
    path = curated(shelf, area="Kept")

    with pytest.raises(refused):
        shelf.workspace.projects.curate(identity, path, version="v1.0")
    with pytest.raises(refused):
        shelf.workspace.projects.uncurate(identity, path)
    assert shelf.workspace.projects.get(VISITOR, path).area == "Kept"


def test_uncurating_takes_a_project_off_the_landing_page_alone(shelf):
    path = curated(shelf, area="Gone")
    shelf.workspace.projects.uncurate(ADMIN, path)

    assert "Gone" not in shelf.workspace.projects.areas()
    assert shelf.workspace.projects.get(VISITOR, path).curated_version is None
    assert shelf.workspace.projects.snapshot(VISITOR, path, "v1.0").version == "v1.0"
    with pytest.raises(NotFoundError, match="is not curated"):
        shelf.workspace.projects.uncurate(ADMIN, path)


def test_curated_projects_come_first_by_area(shelf):
    plain = shelf.publish({"a.ipynb": A})
    shelf.workspace.projects.get(VISITOR, plain)
    second, first = curated(shelf, area="Order 2"), curated(shelf, area="Order 1")

    found = listed(shelf, VISITOR)

    assert found.index(first) < found.index(second) < found.index(plain)
    assert listed(shelf, VISITOR, area="Order 1") == [first]
    assert {"Order 1", "Order 2"} <= set(shelf.workspace.projects.areas())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("zebrafish", True),
        ("ZEBRAFISH heart", True),
        ("beats", True),
        ("cardiology", True),
        ("one of a kind", True),
        ("the path of the project", True),
        ("zebrafish lung", False),
        ("zebra_ish", False),
        ("%", False),
        ("", True),
    ],
)
def test_a_project_is_found_by_the_words_of_its_title_summary_area_and_worksheets(shelf, words, found):
    manifest = "title: Zebrafish heart\nworksheets: [{notebook: a.ipynb, title: One of a kind}]\n"
    if not listed(shelf, VISITOR, area="Cardiology"):
        curated(shelf, area="Cardiology", summary="How it beats.", files={"workspace.yaml": manifest})
    (path,) = listed(shelf, VISITOR, area="Cardiology")

    words = words.replace("the path of the project", path)
    assert (path in listed(shelf, VISITOR, q=words)) is found


def test_the_catalogue_comes_in_pages(shelf):
    paths = {curated(shelf, area="Paged") for _ in range(3)}
    pages = [
        shelf.workspace.projects.catalogue(VISITOR, area="Paged", page=number, per_page=2)
        for number in (1, 2, 3)
    ]

    assert [len(page.items) for page in pages] == [2, 1, 0]
    assert {page.total for page in pages} == {3}
    assert {card.path for page in pages for card in page.items} == paths


def test_versions_are_listed_newest_first_and_say_which_is_curated(shelf):
    path = curated(shelf, area="Versions")
    saved = now()
    wait_for(lambda: now() > saved, what="the next second: the forge tells the order of tags by it")
    second = shelf.change(path, {"a.ipynb": notebook("n + 1")})
    shelf.tag(path, "v1.1")

    newest, pinned = shelf.workspace.projects.versions(VISITOR, path)

    assert (newest.tag, newest.commit, newest.curated) == ("v1.1", second, False)
    assert (pinned.tag, pinned.message, pinned.curated) == ("v1.0", "The message of v1.0", True)
    assert newest.created_at > pinned.created_at


def test_a_project_that_was_renamed_on_the_forge_is_found_under_its_new_name(shelf):
    path = curated(shelf, area="Renamed")
    made = shelf.on_forge(path)
    made.path = made.name = "renamed" + os.urandom(4).hex()
    made.save()

    view = shelf.workspace.projects.get(VISITOR, f"{shelf.group}/{made.path}")

    assert view.curated_version == "v1.0"
    assert listed(shelf, VISITOR, area="Renamed") == [view.path]
