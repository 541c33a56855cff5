"""Forks, their origins, and how far they are behind."""

from __future__ import annotations

import pytest

from auth.identity import ANONYMOUS, Identity, Level
from workspace_api.errors import ForbiddenError, NotFoundError, NotSignedInError

ADA = Identity(user="ada", level=Level.END_USER)
BEN = Identity(user="ben", level=Level.DEVELOPER)


@pytest.fixture(scope="module")
def root(shelf):
    return shelf.root


@pytest.fixture
def origin(shelf, root):
    """Makes a project in the shelf's group, with one commit."""

    def make(name: str, visibility: str = "public"):
        group = root.groups.get(shelf.group)
        made = root.projects.create({"name": name, "namespace_id": group.id, "visibility": visibility})
        _commit(made, "README.md")
        return made

    return make


def _commit(project, name: str) -> None:
    action = {"action": "create", "file_path": name, "content": name}
    project.commits.create({"branch": "main", "commit_message": name, "actions": [action]})


def test_a_fork_is_made_once_and_never_forked_again(shelf, origin):
    path = origin("once").path_with_namespace
    sessions = shelf.workspace.sessions
    assert sessions.copies.fork(ADA, path) == "ada/once"
    assert sessions.copies.fork(ADA, path) == "ada/once"
    assert sessions.copies.fork(ADA, "ada/once") == "ada/once"


def test_a_fork_that_was_renamed_is_still_the_one(shelf, root, origin):
    path = origin("renamed").path_with_namespace
    assert shelf.workspace.sessions.copies.fork(ADA, path) == "ada/renamed"
    origin_again = root.projects.get(path)
    root.projects.delete("ada/renamed")
    place = {"namespace_path": "ada", "path": "other-name", "name": "other-name"}
    origin_again.forks.create(place, sudo="ada")
    root.projects.create({"name": "renamed", "namespace_id": root.namespaces.get("ada").id})
    assert shelf.workspace.sessions.copies.fork(ADA, path) == "ada/other-name"


def test_how_far_behind(shelf, root, origin):
    made = origin("behind")
    lineage = shelf.workspace.lineage
    shelf.workspace.sessions.copies.fork(ADA, made.path_with_namespace)
    told = lineage.origin(ADA, "ada/behind")
    assert (told.path, told.behind) == (made.path_with_namespace, 0)
    _commit(made, "one")
    _commit(made, "two")
    _commit(root.projects.get("ada/behind"), "mine")
    assert lineage.origin(ADA, "ada/behind").behind == 2
    mine = {project.path: project for project in lineage.mine(ADA)}
    assert mine["ada/behind"].origin.behind == 2
    assert lineage.origin(ADA, made.path_with_namespace) is None


def test_who_forked_it_as_far_as_one_may_see(shelf, root, origin):
    path = origin("seen").path_with_namespace
    shelf.workspace.forge.ensure_user("ben", "Ben")
    shelf.workspace.sessions.copies.fork(ADA, path)
    lineage = shelf.workspace.lineage
    assert lineage.forks(ANONYMOUS, path) == ["ada/seen"]
    fork = root.projects.get("ada/seen")
    fork.visibility = "private"
    fork.save()
    assert lineage.forks(ANONYMOUS, path) == []
    assert lineage.forks(BEN, path) == []
    assert lineage.forks(ADA, path) == ["ada/seen"]


def test_an_origin_that_one_may_not_know_of_is_not_told(shelf, root, origin):
    made = origin("hidden")
    shelf.workspace.sessions.copies.fork(ADA, made.path_with_namespace)
    assert shelf.workspace.lineage.origin(BEN, "ada/hidden") is not None
    made.visibility = "private"
    made.save()
    shelf.workspace.projects.refresh(made.path_with_namespace)
    assert shelf.workspace.lineage.origin(BEN, "ada/hidden") is None


def test_refusals(shelf, origin):
    path = origin("refused").path_with_namespace
    with pytest.raises(NotSignedInError):
        shelf.workspace.lineage.mine(ANONYMOUS)
    with pytest.raises((ForbiddenError, NotSignedInError)):
        shelf.workspace.sessions.copies.fork(ANONYMOUS, path)
    with pytest.raises(NotFoundError):
        shelf.workspace.lineage.forks(ANONYMOUS, f"{shelf.group}/nothing")
