"""Opening, saving, updating and going back: git in plain words, and nothing is ever lost."""

from __future__ import annotations

import json

import pytest

from tests.workbench.conftest import notebook_text


@pytest.fixture
def ada(person, fork, origin):
    """Ada has opened her fork."""
    made = person("ada")
    assert made.open(fork, origin) == {"folder": "projects/variants", "new": True}
    return made


@pytest.fixture
def maintainer(person, origin):
    """The maintainer works on the origin itself."""
    made = person("ben")
    made.open(origin)
    return made


def log(person, *arguments: str) -> list[str]:
    return person.git("log", "--format=%s", *arguments).splitlines()


def test_opening_again_finds_the_checkout_with_the_work_in_it(ada, fork, origin):
    (ada.checkout / "mine.txt").write_text("mine")

    assert ada.open(fork, origin) == {"folder": "projects/variants", "new": False}
    assert (ada.checkout / "mine.txt").read_text() == "mine"


def test_a_folder_of_something_else_is_left_alone(person, fork):
    eve = person("eve")
    eve.checkout.mkdir(parents=True)
    (eve.checkout / "thesis.txt").write_text("all of it")

    assert eve.open(fork)["folder"] == "projects/genomics--variants"
    assert (eve.checkout / "thesis.txt").read_text() == "all of it"


def test_a_version_holds_new_changed_and_deleted_files_whatever_they_are_called(ada, fork):
    (ada.checkout / "notes.txt").unlink()
    for name in ("-rf", "two words.txt", "ümläut.txt", ":(glob)*", "new\nline.txt"):
        (ada.checkout / name).write_text(name)
    saved = ada.ask("save", message="All sorts")

    assert (saved["changed"], saved["held_back"]) == (True, [])
    names = ada.git("ls-tree", "-r", "-z", "--name-only", "main", cwd=fork).strip("\0").split("\0")
    assert sorted(names) == sorted(
        ["-rf", "two words.txt", "ümläut.txt", ":(glob)*", "new\nline.txt", "a.ipynb"]
    )
    assert log(ada, "-1") == ["All sorts"]


def test_what_jupyterlab_keeps_beside_a_document_is_no_part_of_a_version(ada):
    checkpoints = ada.checkout / "folder" / ".ipynb_checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "a-checkpoint.ipynb").write_text(notebook_text("1"))

    assert ada.ask("changes")["files"] == []
    assert not ada.ask("save", message="Nothing")["changed"]


def test_with_nothing_changed_nothing_is_saved(ada):
    before = ada.git("rev-parse", "HEAD").strip()

    saved = ada.ask("save", message="Nothing")

    assert saved == {"commit": before, "changed": False, "held_back": [], "both_kept": [], "notes": []}


def test_large_and_secret_files_are_held_back_even_when_they_were_added(ada, fork):
    with (ada.checkout / "huge.bam").open("wb") as file:
        file.truncate(300_000_000)
    (ada.checkout / "config.py").write_text("key = 'AIza" + "x" * 35 + "'")
    (ada.checkout / ".env").write_text("PASSWORD=1")
    (ada.checkout / "good.txt").write_text("good")
    ada.git("add", "config.py")
    saved = ada.ask("save", message="Careful")

    reasons = {held["path"]: held["reason"] for held in saved["held_back"]}
    assert set(reasons) == {"huge.bam", "config.py", ".env"}
    assert "300 MB" in reasons["huge.bam"]
    assert "Google API key" in reasons["config.py"]
    assert ada.git("show", "--format=", "--name-only", "main", cwd=fork).split() == ["good.txt"]
    assert (ada.checkout / "huge.bam").exists()


def test_a_named_version_is_a_tag_and_a_name_is_used_once(ada, fork):
    (ada.checkout / "notes.txt").write_text("more\n")
    ada.ask("save", message="Second", tag="v1.1")

    assert ada.git("tag", cwd=fork).split() == ["v1.1"]
    assert "already" in ada.ask("save", message="Third", tag="v1.1")["error"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (["checkout", "--quiet", "--detach"], "on no branch"),
        (["merge", "--no-ff", "--no-commit", "other"], "merge is under way"),
    ],
)
def test_in_an_unusual_state_nothing_is_touched_and_the_remedy_is_named(ada, state, words):
    ada.git("switch", "--quiet", "-c", "other")
    (ada.checkout / "other.txt").write_text("other")
    ada.git("add", ".")
    ada.git("commit", "--quiet", "-m", "Other")
    ada.git("switch", "--quiet", "main")
    ada.git(*state, check=False)
    before = ada.git("status", "--porcelain")

    assert words in ada.ask("save", message="Now?")["error"]
    assert ada.git("status", "--porcelain") == before


def test_a_version_saved_elsewhere_meanwhile_is_merged_and_both_are_kept(ada, person, fork):
    other_machine = person("ada2")
    other_machine.open(fork)
    (other_machine.checkout / "elsewhere.txt").write_text("elsewhere")
    other_machine.ask("save", message="Elsewhere")
    (ada.checkout / "here.txt").write_text("here")
    ada.ask("save", message="Here")

    assert (ada.checkout / "elsewhere.txt").exists()
    assert {"here.txt", "elsewhere.txt"} <= set(ada.git("ls-tree", "--name-only", "main", cwd=fork).split())


def test_updates_of_the_origin_come_in_beside_ones_own_unsaved_work(ada, maintainer):
    (maintainer.checkout / "new.txt").write_text("new")
    maintainer.ask("save", message="New from the maintainer")
    (ada.checkout / "mine.txt").write_text("mine")
    updated = ada.ask("update", upstream_branch="main")

    assert (updated["changed"], updated["both_kept"]) == (True, [])
    assert (ada.checkout / "new.txt").exists()
    assert (ada.checkout / "mine.txt").read_text() == "mine"


def test_a_fork_that_was_cloned_by_itself_gets_updates_of_its_origin(person, fork, origin, maintainer):
    alone = person("alone")
    alone.open(fork)
    (maintainer.checkout / "new.txt").write_text("new")
    maintainer.ask("save", message="New from the maintainer")
    assert not alone.ask("update", upstream_branch="main")["changed"]

    assert alone.ask("update", upstream_branch="main", upstream=str(origin))["changed"]
    assert (alone.checkout / "new.txt").exists()
    assert alone.git("remote", "get-url", "upstream").strip() == str(origin)


def test_changes_of_different_cells_of_one_notebook_are_merged(ada, maintainer):
    (maintainer.checkout / "a.ipynb").write_text(notebook_text("1 + 1", "2 + 2", "'theirs'"))
    maintainer.ask("save", message="Theirs")
    (ada.checkout / "a.ipynb").write_text(notebook_text("'mine'", "2 + 2", "3 + 3"))
    updated = ada.ask("update", upstream_branch="main")

    assert updated["both_kept"] == []
    cells = json.loads((ada.checkout / "a.ipynb").read_text())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == ["'mine'", "2 + 2", "'theirs'"]


@pytest.mark.parametrize("name", ["notes.txt", "a.ipynb"])
def test_where_both_changed_the_same_place_both_files_are_kept(ada, maintainer, name):
    theirs = "theirs\n" if name == "notes.txt" else notebook_text("'theirs'", "2 + 2", "3 + 3")
    mine = "mine\n" if name == "notes.txt" else notebook_text("'mine'", "2 + 2", "3 + 3")
    (maintainer.checkout / name).write_text(theirs)
    maintainer.ask("save", message="Theirs")
    (ada.checkout / name).write_text(mine)
    updated = ada.ask("update", upstream_branch="main")

    [kept] = updated["both_kept"]
    assert kept["path"] == name
    assert (ada.checkout / name).read_text() == mine
    assert (ada.checkout / kept["other"]).read_text() == theirs
    assert ada.git("status", "--porcelain") == ""


def test_a_file_that_one_deleted_and_the_other_changed_is_kept(ada, maintainer):
    (maintainer.checkout / "notes.txt").write_text("still needed\n")
    maintainer.ask("save", message="Changed")
    (ada.checkout / "notes.txt").unlink()
    ada.ask("update", upstream_branch="main")

    assert (ada.checkout / "notes.txt").read_text() == "still needed\n"


def test_going_back_makes_a_new_version_and_loses_nothing(ada):
    first = ada.git("rev-parse", "HEAD").strip()
    (ada.checkout / "notes.txt").write_text("changed\n")
    ada.ask("save", message="Changed")
    (ada.checkout / "unsaved.txt").write_text("unsaved")
    answer = ada.ask("go_back", to=first)

    assert answer["changed"]
    assert (ada.checkout / "notes.txt").read_text() == "one\ntwo\nthree\n"
    said = ada.git("log", "-1", "--format=%s", first).strip()
    assert log(ada)[:3] == [f"Back to {first[:7]}: {said}", "What I had before going back", "Changed"]
    assert "There is no version “v9”" in ada.ask("go_back", to="v9")["error"]


def test_hostile_names_of_versions_reach_no_option_of_git(ada):
    assert "no version" in ada.ask("go_back", to="--output=/tmp/x")["error"]
    assert "error" in ada.ask("save", message="x", tag="--delete")


def test_a_conflict_with_a_version_saved_elsewhere_keeps_both_and_says_so(ada, person, fork):
    other_machine = person("ada2")
    other_machine.open(fork)
    (other_machine.checkout / "notes.txt").write_text("elsewhere\n")
    other_machine.ask("save", message="Elsewhere")
    (ada.checkout / "notes.txt").write_text("here\n")
    [kept] = ada.ask("save", message="Here")["both_kept"]

    assert (ada.checkout / "notes.txt").read_text() == "here\n"
    assert (ada.checkout / kept["other"]).read_text() == "elsewhere\n"
    assert kept["other"] in ada.git("ls-tree", "--name-only", "main", cwd=fork).splitlines()


def test_going_back_while_a_version_was_saved_elsewhere_keeps_both(ada, person, fork):
    first = ada.git("rev-parse", "HEAD").strip()
    (ada.checkout / "notes.txt").write_text("second\n")
    ada.ask("save", message="Second")
    other_machine = person("ada2")
    other_machine.open(fork)
    (other_machine.checkout / "notes.txt").write_text("elsewhere\n")
    other_machine.ask("save", message="Elsewhere")
    [kept] = ada.ask("go_back", to=first)["both_kept"]

    assert (ada.checkout / "notes.txt").read_text() == "one\ntwo\nthree\n"
    assert (ada.checkout / kept["other"]).read_text() == "elsewhere\n"


def test_a_copy_of_a_repository_from_elsewhere_gets_what_is_new_there_beside_ones_own(
    ada, maintainer, origin
):
    ada.git("remote", "remove", "upstream")
    for name, text in (("notes.txt", "theirs\n"), ("new.txt", "new\n")):
        (maintainer.checkout / name).write_text(text)
    maintainer.ask("save", message="New there")
    (ada.checkout / "notes.txt").write_text("mine\n")
    fixed = ada.ask("update", upstream_branch="at-v1-0", source=str(origin))
    updated = ada.ask("update", upstream_branch="main", source=str(origin))

    assert updated["notes"] == []
    assert log(ada, "-1") == ["Updates of the repository from elsewhere"]
    assert "began at a fixed version" in fixed["notes"][0]
    assert updated["both_kept"] == [{"path": "notes.txt", "other": "notes (from source main).txt"}]
    assert (ada.checkout / "notes.txt").read_text() == "mine\n"
    assert (ada.checkout / "notes (from source main).txt").read_text() == "theirs\n"
    assert (ada.checkout / "new.txt").exists()
    assert "could not be read" in ada.ask("update", upstream_branch="main", source="/gone.git")["error"]
