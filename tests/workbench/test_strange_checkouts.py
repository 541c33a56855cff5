"""Checkouts in strange states: what cannot be done is said, with the remedy, and nothing is ever lost."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from hub.workbench.stripping import FILTER
from tests.conftest import wait_for


@pytest.fixture
def ada(person, fork, origin):
    """Ada has opened her fork."""
    made = person("ada")
    made.open(fork, origin)
    return made


@pytest.fixture
def maintainer(person, origin):
    """The maintainer works on the origin itself."""
    made = person("ben")
    made.open(origin)
    return made


def commit(person, message: str) -> None:
    person.git("add", "--all")
    person.git("commit", "--quiet", "-m", message)


def test_in_the_middle_of_a_rebase_nothing_is_touched_and_the_remedy_is_named(ada):
    ada.git("switch", "--quiet", "-c", "other")
    (ada.checkout / "notes.txt").write_text("other\n")
    commit(ada, "Other")
    ada.git("switch", "--quiet", "main")
    (ada.checkout / "notes.txt").write_text("mine\n")
    commit(ada, "Mine")
    ada.git("rebase", "other", check=False)
    before = (ada.checkout / "notes.txt").read_text(), ada.git("status", "--porcelain")

    for operation, more in (("save", {"message": "x"}), ("update", {"upstream_branch": "main"})):
        assert "git rebase --abort" in ada.ask(operation, **more)["error"]
    assert "git rebase --abort" in ada.ask("go_back", to="other")["error"]
    assert ((ada.checkout / "notes.txt").read_text(), ada.git("status", "--porcelain")) == before
    assert ada.ask("changes")["files"], "what changed can be looked at all the same"


@pytest.mark.parametrize("message", ["", " \n "])
def test_a_version_without_words_is_not_saved(ada, message):
    (ada.checkout / "notes.txt").write_text("changed\n")

    assert "in a few words" in ada.ask("save", message=message)["error"]
    assert ada.git("status", "--porcelain") == " M notes.txt\n"


@pytest.mark.parametrize("tag", ["two words", "-d", "a..b", "v1\n", ".."])
def test_a_name_that_git_does_not_take_is_refused_before_anything_is_saved(ada, tag):
    (ada.checkout / "notes.txt").write_text("changed\n")

    assert "cannot be called" in ada.ask("save", message="x", tag=tag)["error"]
    assert ada.git("status", "--porcelain") == " M notes.txt\n"


def test_a_name_that_another_copy_has_given_is_refused_before_anything_is_saved(ada, person, fork):
    other = person("ada2")
    other.open(fork)
    (other.checkout / "x.txt").write_text("x")
    other.ask("save", message="Theirs", tag="v1.0")
    (ada.checkout / "notes.txt").write_text("changed\n")

    assert "“v1.0” already" in ada.ask("save", message="Mine", tag="v1.0")["error"]
    assert ada.git("status", "--porcelain") == " M notes.txt\n"


def test_a_name_in_no_known_letters_does_not_hide_the_answer(ada):
    with open(os.fsencode(ada.checkout) + b"/latin-\xe9.txt", "wb") as file:  # noqa: PTH123
        file.truncate(60_000_000)
    for name in ('quo"te.txt', "new\nline.txt", "größe.txt"):
        (ada.checkout / name).write_text("x")

    changed = {each["path"]: each["kind"] for each in ada.ask("changes")["files"]}
    assert changed == {
        'quo"te.txt': "added",
        "new\nline.txt": "added",
        "größe.txt": "added",
        "latin-\ufffd.txt": "held back",
    }
    [held] = ada.ask("save", message="Names")["held_back"]
    assert held["path"] == "latin-\ufffd.txt"


def test_one_may_insist_on_what_seems_secret_but_not_on_what_is_too_large(ada, fork):
    (ada.checkout / "keys.txt").write_text("AKIA" + "A" * 16)
    (ada.checkout / "id_rsa").write_text("an example")
    with (ada.checkout / "huge.bam").open("wb") as file:
        file.truncate(300_000_000)
    first = ada.ask("save", message="Careful")
    again = ada.ask("save", message="They are no secrets", insist=["keys.txt", "huge.bam"])

    assert {held["path"]: held["may_insist"] for held in first["held_back"]} == {
        "keys.txt": True,
        "id_rsa": True,
        "huge.bam": False,
    }
    assert "AWS access key" in next(h["reason"] for h in first["held_back"] if h["path"] == "keys.txt")
    assert {held["path"] for held in again["held_back"]} == {"id_rsa", "huge.bam"}
    assert "keys.txt" in ada.git("ls-tree", "--name-only", "main", cwd=fork).split()


def test_a_submodule_at_another_host_is_not_fetched_and_is_explained(ada, maintainer):
    (maintainer.checkout / ".gitmodules").write_text(
        '[submodule "genome"]\n\tpath = genome\n\turl = https://elsewhere.invalid/genome.git\n'
    )
    (maintainer.checkout / "genome").mkdir()
    head = maintainer.git("rev-parse", "HEAD").strip()
    maintainer.git("update-index", "--add", "--cacheinfo", f"160000,{head},genome")
    commit(maintainer, "A submodule")
    maintainer.git("push", "--quiet", "origin", "main")
    ada.git("config", "submodule.recurse", "true")
    updated = ada.ask("update", upstream_branch="main")
    (ada.checkout / "mine.txt").write_text("mine")
    saved = ada.ask("save", message="Beside it")

    assert updated["changed"]
    assert "https://elsewhere.invalid/genome.git" in updated["notes"][0]
    assert (saved["changed"], saved["held_back"]) == (True, [])
    assert list((ada.checkout / "genome").iterdir()) == []
    assert ada.git("ls-tree", "HEAD", "genome").startswith("160000")


def test_a_checkout_that_was_made_read_only_is_named(ada):
    subprocess.run(["chmod", "-R", "a-w", ada.checkout], check=True)
    said = ada.ask("save", message="x")["error"]
    subprocess.run(["chmod", "-R", "u+w", ada.checkout], check=True)

    assert "Permission denied" in said
    assert "correct its permissions" in said


def test_a_fork_that_was_deleted_is_said_and_a_new_one_takes_the_work(ada, fork, origin):
    (ada.checkout / "notes.txt").write_text("mine\n")
    shutil.rmtree(fork)
    refused = ada.ask("save", message="Mine")["error"]
    ada.git("clone", "--quiet", "--bare", str(origin), str(fork), cwd=ada.folder)
    saved = ada.ask("save", message="Mine")

    assert "not on the forge any more" in refused
    assert "nothing is lost" in refused
    assert "Open the project again" in refused
    assert saved["changed"]
    assert ada.git("show", "main:notes.txt", cwd=fork) == "mine\n"


def test_a_checkout_is_known_again_when_the_workspace_listens_on_another_port(ada, fork, origin):
    for remote, name in (("origin", "ada"), ("upstream", "genomics")):
        ada.git("remote", "set-url", remote, f"http://127.0.0.1:8000/git/{name}/variants.git")
    asked = {"names": ["variants"], "upstream": "http://127.0.0.1:9000/git/genomics/variants.git"}

    answer = ada.ask("open", origin="http://127.0.0.1:9000/git/ada/variants.git", **asked)

    assert answer == {"folder": "projects/variants", "new": False}
    assert ada.git("remote", "get-url", "origin").strip() == "http://127.0.0.1:9000/git/ada/variants.git"
    assert ada.git("remote", "get-url", "upstream").strip() == asked["upstream"]


@pytest.mark.parametrize(
    ("operation", "more"),
    [("save", {"message": "Mine"}), ("update", {"upstream_branch": "main"}), ("go_back", {"to": "HEAD"})],
)
def test_work_goes_on_with_the_forge_where_the_workspace_listens_now(ada, operation, more):
    for remote, name in (("origin", "ada"), ("upstream", "genomics")):
        ada.git("remote", "set-url", remote, f"http://127.0.0.1:8000/git/{name}/variants.git")
    (ada.checkout / "notes.txt").write_text("mine\n")

    said = ada.ask(operation, origin="http://127.0.0.1:9/git/ada/variants.git", **more)["error"]

    assert "The forge does not answer" in said
    assert "127.0.0.1 port 9" in said
    for remote, name in (("origin", "ada"), ("upstream", "genomics")):
        address = f"http://127.0.0.1:9/git/{name}/variants.git"
        assert ada.git("remote", "get-url", remote).strip() == address


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/other/variants.git", "https://gitlab.example/git/x"]
)
def test_a_remote_of_ones_own_is_left_where_it_is(ada, address):
    ada.git("remote", "set-url", "upstream", address)

    ada.ask("update", upstream_branch="main", origin="http://127.0.0.1:9/git/ada/variants.git")

    assert ada.git("remote", "get-url", "upstream").strip() == address


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9000/git/eve/variants.git", "https://gitlab.example/git/ada/variants.git"]
)
def test_a_checkout_of_something_else_stays_what_it_is(ada, address):
    ada.git("remote", "set-url", "origin", "http://127.0.0.1:8000/git/ada/variants.git")

    answer = ada.ask("open", names=["variants"], origin=address)

    assert "hold something else" in answer["error"]
    assert ada.git("remote", "get-url", "origin").strip() == "http://127.0.0.1:8000/git/ada/variants.git"


def test_links_are_kept_as_links_wherever_they_lead(ada, fork, maintainer):
    (ada.home / "precious.txt").write_text("precious")
    (ada.checkout / "passwd").symlink_to("/etc/passwd")
    (ada.checkout / "share").symlink_to("/shared/other")
    (ada.checkout / "link").symlink_to("../../precious.txt")
    saved = ada.ask("save", message="Links")
    (maintainer.checkout / "link").symlink_to("/etc/group")
    maintainer.ask("save", message="Theirs")
    [kept] = ada.ask("update", upstream_branch="main")["both_kept"]

    assert saved["held_back"] == []
    assert ada.git("cat-file", "blob", "main:passwd", cwd=fork) == "/etc/passwd"
    assert (ada.home / "precious.txt").read_text() == "precious"
    assert os.readlink(ada.checkout / "link") == "../../precious.txt"  # noqa: PTH115
    assert os.readlink(ada.checkout / kept["other"]) == "/etc/group"  # noqa: PTH115


def test_a_repository_inside_is_held_back_with_its_files_in_place(ada):
    inner = ada.checkout / "inner"
    inner.mkdir()
    ada.git("init", "--quiet", cwd=inner)
    (inner / "data.txt").write_text("data")
    [held] = ada.ask("save", message="x")["held_back"]

    assert held["path"] == "inner/"
    assert "repository of its own" in held["reason"]
    assert (inner / "data.txt").read_text() == "data"


def test_programs_in_the_repositorys_own_settings_do_not_reach_beyond_its_sandbox(ada, tmp_path):
    outside = tmp_path / "outside"
    program = f"touch {outside}; touch ~/ran-$0; false"
    hooks = ada.checkout / ".git" / "hooks"
    for hook in ("pre-commit", "post-commit", "pre-push", "reference-transaction", "post-checkout"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch ~/ran-{hook} {outside}\nexit 1\n")
        (hooks / hook).chmod(0o755)
    script = ada.checkout / ".git" / "program"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    inside = "/home/jovyan/projects/variants/.git/program"
    for name in ("core.fsmonitor", "diff.external", "core.sshCommand", "gpg.program", "core.pager"):
        ada.git("config", name, inside)
    ada.git("config", "commit.gpgSign", "true")
    ada.git("config", "filter.evil.clean", f"touch ~/ran-filter {outside}; cat")
    (ada.checkout / ".gitattributes").write_text("*.txt filter=evil\n")
    (ada.checkout / "notes.txt").write_text("changed\n")

    assert {each["path"] for each in ada.ask("changes")["files"]} == {".gitattributes", "notes.txt"}
    assert ada.ask("save", message="All the same")["changed"]
    assert not outside.exists()
    assert [file.name for file in ada.home.glob("ran-*")] == ["ran-filter"]


def test_a_held_back_file_is_not_written_over_by_what_comes(ada, maintainer):
    (ada.checkout / ".gitignore").write_text("ignored.txt\n")
    ada.ask("save", message="Ignore")
    for name in ("ignored.txt", "model.key"):
        (maintainer.checkout / name).write_text("theirs\n")
    maintainer.ask("save", message="Theirs", insist=["model.key"])
    for name in ("ignored.txt", "model.key"):
        (ada.checkout / name).write_text("mine\n")
    updated = ada.ask("update", upstream_branch="main")

    assert {each["path"]: each["other"] for each in updated["both_kept"]} == {
        "ignored (mine).txt": "ignored.txt",
        "model (mine).key": "model.key",
    }
    for name in ("ignored", "model"):
        extension = "txt" if name == "ignored" else "key"
        assert (ada.checkout / f"{name} (mine).{extension}").read_text() == "mine\n"
        assert (ada.checkout / f"{name}.{extension}").read_text() == "theirs\n"


def test_going_back_writes_over_no_file_that_is_in_no_version(ada):
    (ada.checkout / "config.py").write_text("key = ''\n")
    ada.ask("save", message="With settings", tag="v1")
    (ada.checkout / "config.py").write_text("key = 'changed'\n")
    ada.ask("save", message="Other settings")
    secret = f"key = 'AIza{'x' * 35}'\n"
    (ada.checkout / "config.py").write_text(secret)
    answer = ada.ask("go_back", to="v1")

    assert answer["held_back"][0]["path"] == "config.py"
    assert answer["both_kept"] == [{"path": "config (mine).py", "other": "config.py"}]
    assert (ada.checkout / "config.py").read_text() == "key = ''\n"
    assert (ada.checkout / "config (mine).py").read_text() == secret


def test_after_a_kill_in_the_middle_of_a_merge_the_next_operation_goes_on(ada, maintainer):
    (maintainer.checkout / "notes.txt").write_text("theirs\n")
    maintainer.ask("save", message="Theirs")
    (ada.checkout / "notes.txt").write_text("mine\n")
    commit(ada, "Mine")
    ada.git("fetch", "--quiet", "upstream")
    ada.git("merge", "--quiet", "upstream/main", check=False)
    inside = ada.checkout / ".git"
    (inside / "labfork-operation").write_text("under way")
    (inside / "labfork-merging").touch()
    (inside / "index.lock").touch()
    updated = ada.ask("update", upstream_branch="main")

    [kept] = updated["both_kept"]
    assert (ada.checkout / "notes.txt").read_text() == "mine\n"
    assert (ada.checkout / kept["other"]).read_text() == "theirs\n"
    assert ada.git("status", "--porcelain") == ""


def test_two_operations_at_once_come_one_after_the_other(ada, fork):
    (ada.checkout / "notes.txt").write_text("changed\n")
    started = [ada.start("save", message=f"Number {number}") for number in range(3)]
    for launched, _ in started:
        wait_for(launched.outcome, seconds=120, what="the operations")

    assert all("error" not in answer.read_text() for _, answer in started)
    assert len(ada.git("log", "--format=%s", "main", cwd=fork).splitlines()) == 2


def test_the_filter_of_outputs_is_named_alike_everywhere(ada):
    assert FILTER in ada.git("config", "--get-regexp", "^filter")
