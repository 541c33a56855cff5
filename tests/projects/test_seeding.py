"""Seeding: a template becomes versions of a project, and nothing that is there is ever rewritten."""

from __future__ import annotations

import os

import pytest

from deploy.seed import CURATED
from tests.conftest import CHECKOUT
from tests.projects.conftest import ADMIN, VISITOR
from tests.publishing import notebook
from workspace_api.errors import ConflictError

FILES = {
    "README.md": "# Seeded",
    "requirements.txt": "",
    "workspace.yaml": "title: Seeded\nworksheets: [{notebook: a.ipynb, title: First}]\n",
    "a.ipynb": notebook("n"),
}


@pytest.fixture
def path() -> str:
    """A project that is not there yet, in a group that is not there yet."""
    return f"seeded{os.urandom(4).hex()}/project"


def tags(shelf, path: str) -> dict[str, str]:
    return {tag.name: tag.commit["id"] for tag in shelf.on_forge(path).tags.list(get_all=True)}


def history(shelf, path: str, ref: str = "main") -> list[str]:
    return [commit.id for commit in shelf.on_forge(path).commits.list(ref_name=ref, get_all=True)]


def names(shelf, path: str, ref: str) -> set[str]:
    return {entry.path for entry in shelf.workspace.forge.tree(path, ref)}


def test_seeding_makes_the_project_pushes_the_template_tags_it_and_curates_it_there(shelf, template, path):
    assert shelf.seed(template(FILES), path, area="Genomics") == "v1.0"

    assert shelf.on_forge(path).visibility == "public"
    assert tags(shelf, path) == {"v1.0": shelf.head(path)}
    assert names(shelf, path, "v1.0") == set(FILES)
    project = shelf.workspace.projects.get(VISITOR, path)
    assert (project.curated_version, project.curated_commit) == ("v1.0", shelf.head(path))
    assert project.area == "Genomics"
    (card,) = shelf.workspace.projects.catalogue(VISITOR, q=path.split("/")[0]).items
    assert (card.title, [sheet.title for sheet in card.worksheets]) == ("Seeded", ["First"])


def test_files_reach_the_forge_as_they_are(shelf, template, path):
    folder = template({"a/deep/file.txt": "ä\n", "empty": "", "script.sh": "#!/bin/sh\n"})
    (folder / "bytes").write_bytes(bytes(range(256)) + b"\r\n")
    (folder / "script.sh").chmod(0o755)
    shelf.seed(folder, path)

    forge = shelf.workspace.forge
    assert forge.read(path, "v1.0", "bytes", 1000) == bytes(range(256)) + b"\r\n"
    assert forge.read(path, "v1.0", "a/deep/file.txt", 1000).decode() == "ä\n"
    assert forge.read(path, "v1.0", "empty", 1000) == b""
    modes = {
        row["path"]: row["mode"] for row in shelf.on_forge(path).repository_tree(ref="v1.0", get_all=True)
    }
    assert modes["script.sh"] == "100755"


def test_what_working_in_a_template_leaves_behind_is_left_out(shelf, template, path):
    litter = ("__pycache__/a.pyc", "b.pyc", "sub/.ipynb_checkpoints/a.ipynb", ".git/config")
    shelf.seed(template({"kept.txt": "", **dict.fromkeys(litter, "litter")}), path)

    assert names(shelf, path, "v1.0") == {"kept.txt"}


def test_seeding_the_same_again_does_nothing(shelf, template, path):
    shelf.seed(template(FILES), path)
    before = (tags(shelf, path), history(shelf, path))

    assert shelf.seed(template(FILES), path) is None
    assert (tags(shelf, path), history(shelf, path)) == before


def test_a_changed_template_becomes_the_next_version_and_the_first_stays(shelf, template, path):
    folder = template(FILES)
    shelf.seed(folder, path)
    first = shelf.head(path)
    (folder / "README.md").unlink()
    (folder / "b.ipynb").write_text(notebook("n"))

    assert shelf.seed(folder, path) == "v1.1"

    second = shelf.head(path)
    assert tags(shelf, path) == {"v1.0": first, "v1.1": second}
    assert history(shelf, path) == [second, first]
    assert names(shelf, path, "v1.0") == set(FILES)
    assert names(shelf, path, "v1.1") == {*FILES, "b.ipynb"} - {"README.md"}
    project = shelf.workspace.projects.get(VISITOR, path)
    assert (project.curated_version, project.curated_commit) == ("v1.1", second)


def test_after_version_1_9_comes_1_10(shelf, template, path):
    folder = template({"a.txt": "0"})
    made = []
    for number in range(12):
        (folder / "a.txt").write_text(str(number))
        made.append(shelf.seed(folder, path))

    assert made[-3:] == ["v1.9", "v1.10", "v1.11"]
    assert shelf.seed(folder, path) is None


def test_what_people_committed_stays_and_is_no_reason_for_a_version(shelf, template, path):
    folder = template(FILES)
    shelf.seed(folder, path)
    theirs = shelf.change(path, {"README.md": "# Ours now"})

    assert shelf.seed(folder, path) is None
    assert shelf.head(path) == theirs

    (folder / "new.txt").write_text("new")
    assert shelf.seed(folder, path) == "v1.1"
    assert theirs in history(shelf, path)


def test_the_next_version_follows_the_newest_that_people_saved(shelf, template, path):
    folder = template(FILES)
    shelf.seed(folder, path)
    shelf.change(path, {"README.md": "# Ours now"})
    theirs = shelf.tag(path, "v2.3")
    shelf.tag(path, "not-a-version")

    assert shelf.seed(folder, path) == "v2.4"
    assert tags(shelf, path)["v2.3"] == theirs


def test_a_version_that_was_pushed_but_not_curated_is_curated_by_the_next_seeding(shelf, template, path):
    shelf.seed(template(FILES), path)
    shelf.workspace.projects.uncurate(ADMIN, path)

    assert shelf.seed(template(FILES), path) is None
    assert shelf.workspace.projects.get(VISITOR, path).curated_version == "v1.0"


def test_a_project_that_was_made_anew_on_the_forge_is_seeded_anew(shelf, template, path):
    shelf.seed(template(FILES), path)
    lost = shelf.head(path)
    shelf.on_forge(path).delete()

    assert shelf.seed(template({**FILES, "README.md": "# Another beginning"}), path) == "v1.0"
    project = shelf.workspace.projects.get(VISITOR, path)
    assert project.curated_commit == shelf.head(path) != lost


def test_a_project_that_is_there_already_keeps_its_visibility_and_its_commits(shelf, template):
    path = shelf.publish({"theirs.txt": "theirs"}, visibility="internal")
    first = shelf.head(path)

    assert shelf.seed(template(FILES), path) == "v1.0"
    assert shelf.on_forge(path).visibility == "internal"
    assert history(shelf, path)[-1] == first


def test_seeding_takes_over_the_visibility_that_the_forge_has_now(shelf, template, path):
    shelf.seed(template(FILES), path)
    made = shelf.on_forge(path)
    made.visibility = "private"
    made.save()

    shelf.seed(template(FILES), path)

    assert shelf.workspace.projects.catalogue(VISITOR, q=path.split("/")[0]).total == 0


def test_a_version_that_cannot_be_pushed_leaves_nothing_half_done(shelf, template, path):
    folder = template(FILES)
    shelf.seed(folder, path)
    before = (tags(shelf, path), history(shelf, path))
    repository = shelf.running.home / "repositories" / f"{shelf.on_forge(path).id}.git"
    lock = repository / "refs" / "tags" / "v1.1.lock"  # git refuses to write a tag that is locked
    lock.touch()
    (folder / "README.md").write_text("# Changed")

    with pytest.raises(ConflictError, match=r"version v1\.1 could not be pushed.*Try again"):
        shelf.seed(folder, path)

    assert (tags(shelf, path), history(shelf, path)) == before
    lock.unlink()
    assert shelf.seed(folder, path) == "v1.1"


@pytest.mark.parametrize("curated", CURATED, ids=lambda curated: curated.folder)
def test_the_templates_of_the_workspace_are_seeded_without_a_problem(shelf, curated, path):
    folder = CHECKOUT / "repo_templates" / curated.folder

    assert shelf.seed(folder, path, area=curated.area) == "v1.0"
    snapshot = shelf.workspace.projects.snapshot(VISITOR, path)
    assert snapshot.problems == ()
    assert {sheet.notebook for sheet in snapshot.worksheets} == {file.name for file in folder.glob("*.ipynb")}
    assert shelf.seed(folder, path, area=curated.area) is None
