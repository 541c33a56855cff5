"""Clones and pushes with the git command."""

from __future__ import annotations

import concurrent.futures
import os
import signal

import pytest

from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN, start_forge


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def commit(forge, folder, text: str, name: str = "a.txt") -> None:
    (folder / name).write_text(text)
    forge.git("add", "--all", cwd=folder)
    forge.git("commit", "--quiet", "-m", f"Write {text}", cwd=folder)


def test_the_first_push_decides_the_default_branch(forge, root, project, work):
    made = project("private")
    forge.git("init", "--quiet", "--initial-branch=trunk", cwd=work)
    commit(forge, work, "1")
    forge.git("push", "--quiet", made.http_url_to_repo, "trunk", cwd=work, token=ROOT_TOKEN)

    again = root.projects.get(made.id)
    assert (again.default_branch, again.empty_repo) == ("trunk", False)
    assert again.files.raw("a.txt", ref="trunk") == b"1"


def test_a_clone_brings_what_was_pushed(forge, project, work):
    made = project("public", {"a.txt": "1"})

    forge.git("clone", "--quiet", made.http_url_to_repo, "copy", cwd=work)
    assert (work / "copy" / "a.txt").read_text() == "1"
    forge.git("fetch", "--quiet", "--depth=1", made.http_url_to_repo, "main", cwd=work / "copy")


@pytest.mark.parametrize(
    ("visibility", "level", "clones", "pushes"),
    [
        ("public", None, True, False),
        ("internal", None, True, False),
        ("private", None, False, False),
        ("private", 10, False, False),
        ("private", 20, True, False),
        ("private", 30, True, True),
    ],
)
def test_git_follows_the_same_rules_as_the_api(
    forge, project, person, work, visibility, level, clones, pushes
):
    made = project(visibility, {"a.txt": "1"})
    user, token = person()
    if level:
        made.members.create({"user_id": user.id, "access_level": level})

    cloned = forge.git("clone", "--quiet", made.http_url_to_repo, "c", cwd=work, token=token, check=False)
    assert (cloned.returncode == 0) == clones
    if clones:
        commit(forge, work / "c", "2")
        pushed = forge.git("push", "--quiet", "origin", "HEAD", cwd=work / "c", token=token, check=False)
        assert (pushed.returncode == 0) == pushes


def test_without_a_token_a_private_project_asks_for_one(forge, project, work):
    made = project("private", {"a.txt": "1"})
    refused = forge.git("ls-remote", made.http_url_to_repo, cwd=work, check=False)

    assert refused.returncode != 0
    assert "could not read Username" in refused.stderr


def test_a_token_for_reading_cannot_push(forge, project, person, work):
    made = project("private", {"a.txt": "1"})
    user, token = person(scopes=("read_repository",))
    made.members.create({"user_id": user.id, "access_level": 40})
    forge.git("clone", "--quiet", made.http_url_to_repo, "c", cwd=work, token=token)
    commit(forge, work / "c", "2")

    assert forge.git("push", "origin", "HEAD", cwd=work / "c", token=token, check=False).returncode != 0


def test_of_many_pushes_to_one_branch_each_is_whole_or_refused(forge, project, work):
    made = project("private", {"a.txt": "0"})
    copies = []
    for number in range(4):
        forge.git("clone", "--quiet", made.http_url_to_repo, str(number), cwd=work, token=ROOT_TOKEN)
        commit(forge, work / str(number), f"by {number}", f"{number}.txt")
        copies.append(work / str(number))

    def push(folder):
        return forge.git("push", "origin", "HEAD:main", cwd=folder, token=ROOT_TOKEN, check=False).returncode

    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = list(pool.map(push, copies))

    assert results.count(0) == 1
    assert len(made.commits.list(get_all=True)) == 2


def test_a_large_push_and_clone_pass_through(forge, project, work):
    made = project("private")
    forge.git("init", "--quiet", "--initial-branch=main", cwd=work)
    (work / "big.bin").write_bytes(bytes(i * 7919 % 251 for i in range(1 << 22)))
    commit(forge, work, "1")
    forge.git("push", "--quiet", made.http_url_to_repo, "main", cwd=work, token=ROOT_TOKEN)
    forge.git("clone", "--quiet", made.http_url_to_repo, "copy", cwd=work, token=ROOT_TOKEN)

    assert (work / "copy" / "big.bin").stat().st_size == 1 << 22


def test_large_files_are_sent_as_they_are_without_a_search_for_what_they_share(forge, project, work):
    made = project("private")
    forge.git("init", "--quiet", "--initial-branch=main", cwd=work)
    data = os.urandom(9_000_000)
    for number in range(2):
        (work / f"{number}.bin").write_bytes(data + bytes([number]))
    commit(forge, work, "1")
    forge.git(
        "-c", "core.bigFileThreshold=1m", "push", made.http_url_to_repo, "main", cwd=work, token=ROOT_TOKEN
    )
    forge.git("clone", "--quiet", made.http_url_to_repo, "copy", cwd=work, token=ROOT_TOKEN)
    [pack] = (work / "copy" / ".git" / "objects" / "pack").glob("*.idx")

    assert pack.with_suffix(".pack").stat().st_size > 18_000_000


def test_a_push_that_is_too_large_is_told_so_and_changes_nothing(tmp_path, work):
    forge = start_forge(tmp_path / "home", free_port(), more=("--push-mb", "3"))
    try:
        root = forge.client()
        group = root.groups.create({"name": "g", "path": "g"})
        made = root.projects.create({"name": "p", "namespace_id": group.id})
        forge.git("init", "--quiet", "--initial-branch=main", cwd=work)
        commit(forge, work, "1")
        forge.git("push", "--quiet", made.http_url_to_repo, "main", cwd=work, token=ROOT_TOKEN)
        (work / "big.bin").write_bytes(os.urandom(9_000_000))
        commit(forge, work, "2")
        pushed = forge.git("push", made.http_url_to_repo, "main", cwd=work, token=ROOT_TOKEN, check=False)

        assert pushed.returncode != 0
        assert "A push of more than 3 MB is not taken. Nothing was changed." in pushed.stderr
        assert len(made.commits.list(get_all=True)) == 1
        (work / "big.bin").unlink()
        forge.git("reset", "--quiet", "--soft", "HEAD~1", cwd=work)
        commit(forge, work, "3")
        forge.git("push", "--quiet", made.http_url_to_repo, "main", cwd=work, token=ROOT_TOKEN)
    finally:
        forge.process.terminate()
        forge.process.wait(20)


def test_a_killed_forge_starts_again_with_everything_that_was_accepted(tmp_path, work):
    port = free_port()
    forge = start_forge(tmp_path / "home", port)
    root = forge.client()
    group = root.groups.create({"name": "g", "path": "g"})
    made = root.projects.create({"name": "p", "namespace_id": group.id})
    made.commits.create(
        {
            "branch": "main",
            "commit_message": "x",
            "actions": [{"action": "create", "file_path": "a", "content": "1"}],
        }
    )
    forge.process.send_signal(signal.SIGKILL)
    forge.process.wait()
    (tmp_path / "home" / "repositories" / "999.git").mkdir()

    again = start_forge(tmp_path / "home", port, token="glpat-another")
    try:
        assert again.client("glpat-another").projects.get("g/p").files.raw("a", ref="main") == b"1"
        with pytest.raises(Exception, match="401"):
            again.client(ROOT_TOKEN).projects.list(get_all=False)
        assert not (tmp_path / "home" / "repositories" / "999.git").exists()
    finally:
        again.process.terminate()
        again.process.wait(20)
