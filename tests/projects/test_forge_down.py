"""While the forge is down: what is known stays, what is not is told, and all is well when it is back."""

from __future__ import annotations

import pytest

from tests.conftest import free_port
from tests.forge.conftest import start_forge
from tests.projects.conftest import ADA, ADMIN, VISITOR, open_shelf, stop
from tests.publishing import notebook
from workspace_api.errors import NotFoundError, UnavailableError

A = notebook("n")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A workspace that has read a curated, a plain and a private project before its forge went down."""
    folder = tmp_path_factory.mktemp("interrupted")
    running = start_forge(folder / "forge", free_port())
    shelf = open_shelf(folder / "shelf", running)
    projects = shelf.workspace.projects
    paths = {
        name: shelf.publish({"a.ipynb": A, "README.md": name}) for name in ("curated", "plain", "unseen")
    }
    paths["private"] = shelf.publish({"a.ipynb": A}, visibility="private")
    shelf.tag(paths["curated"], "v1.0")
    projects.curate(ADMIN, paths["curated"], version="v1.0", area="Genomics")
    commit = projects.snapshot(VISITOR, paths["plain"]).commit
    projects.get(ADMIN, paths["private"])
    stop(running)
    for name in ("curated", "plain", "private"):
        shelf.let_a_minute_pass(paths[name])
    yield shelf, paths, commit
    shelf.workspace.close()


def refusal(call) -> str:
    with pytest.raises(UnavailableError) as refused:
        call()
    return refused.value.detail


def test_the_catalogue_lists_what_is_known(interrupted):
    shelf, paths, _ = interrupted
    page = shelf.workspace.projects.catalogue(VISITOR)

    assert [card.path for card in page.items] == [paths["curated"], paths["plain"]]
    assert shelf.workspace.projects.areas() == ["Genomics"]


def test_a_curated_project_and_a_commit_that_was_read_are_still_shown(interrupted):
    shelf, paths, commit = interrupted
    projects = shelf.workspace.projects

    assert projects.get(VISITOR, paths["curated"]).curated_version == "v1.0"
    assert projects.snapshot(VISITOR, paths["curated"]).version == "v1.0"
    assert projects.worksheet(VISITOR, paths["curated"], "a.ipynb").title == "A small notebook"
    assert projects.snapshot(VISITOR, paths["plain"], commit).readme == "plain"


def test_what_is_not_known_is_told_with_the_forges_address(interrupted, tmp_path):
    shelf, paths, _ = interrupted
    projects = shelf.workspace.projects
    template = tmp_path / "template"
    template.mkdir()
    words = f"The forge at {shelf.running.url} does not answer (ConnectionError)."

    assert refusal(lambda: projects.get(VISITOR, paths["unseen"])) == words
    assert refusal(lambda: projects.snapshot(VISITOR, paths["plain"])) == words
    assert refusal(lambda: projects.snapshot(VISITOR, paths["curated"], "v9.9")) == words
    assert refusal(lambda: projects.versions(VISITOR, paths["curated"])) == words
    assert refusal(lambda: projects.curate(ADMIN, paths["plain"], version="v1.0")) == words
    assert refusal(lambda: projects.refresh(paths["plain"])) == words
    assert refusal(lambda: shelf.seed(template, "genomics/new")) == words


def test_a_private_project_stays_hidden(interrupted):
    shelf, paths, _ = interrupted
    projects = shelf.workspace.projects

    with pytest.raises(NotFoundError):
        projects.get(VISITOR, paths["private"])
    assert refusal(lambda: projects.get(ADA, paths["private"])).endswith("does not answer (ConnectionError).")


def test_a_checkout_says_what_could_not_be_fetched(interrupted, tmp_path):
    shelf, paths, commit = interrupted
    words = refusal(lambda: shelf.workspace.forge.checkout(paths["plain"], commit, tmp_path / "checkout"))

    assert words.startswith(f"{paths['plain']} could not be fetched from the forge")


def test_when_the_forge_is_back_everything_answers_again(interrupted):
    shelf, paths, _ = interrupted
    again = start_forge(shelf.running.home, shelf.running.port)
    try:
        assert shelf.workspace.forge.alive()
        assert shelf.workspace.projects.snapshot(VISITOR, paths["unseen"]).readme == "unseen"
    finally:
        stop(again)
