"""The client of the forge, against a real one."""

from __future__ import annotations

import os

import pytest
from pydantic import SecretStr

from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN
from workspace_api.errors import NotFoundError, TooLargeError, UnavailableError
from workspace_api.forge.client import ForgeClient
from workspace_api.settings import ForgeSettings

NOBODYS = "nobody/nothing"
CALLS = {
    "project": lambda forge, path, folder: forge.project(path),
    "member_level": lambda forge, path, folder: forge.member_level(path, "ada"),
    "resolve": lambda forge, path, folder: forge.resolve(path, "main"),
    "tree": lambda forge, path, folder: forge.tree(path, "main"),
    "read": lambda forge, path, folder: forge.read(path, "main", "a.txt", 10),
    "versions": lambda forge, path, folder: forge.versions(path),
    "ensure_group": lambda forge, path, folder: forge.ensure_group("somebody", "Somebody"),
    "ensure_user": lambda forge, path, folder: forge.ensure_user("somebody", "Somebody"),
    "ensure_project": lambda forge, path, folder: forge.ensure_project("nobody", "nothing", "public", ""),
    "checkout": lambda forge, path, folder: forge.checkout(path, "0" * 40, folder / "checkout"),
}


@pytest.fixture
def forge(shelf) -> ForgeClient:
    return shelf.workspace.forge


def client(url: str, token: str = ROOT_TOKEN) -> ForgeClient:
    return ForgeClient(ForgeSettings(url=url, token=SecretStr(token), timeout=5))


def test_a_project_is_told_as_plain_values(shelf, forge):
    path = shelf.publish({"a.txt": "a"}, visibility="internal")
    found = forge.project(path)

    assert found is not None
    assert (found.path, found.namespace, found.name) == (path, shelf.group, path.split("/")[1])
    assert (found.visibility, found.default_branch) == ("internal", "main")


@pytest.mark.parametrize("path", [NOBODYS, "nothing", "a/b/c", "../..", "ä/ö", "a b/c?d#e"])
def test_a_project_that_is_not_there_is_none(forge, path):
    assert forge.project(path) is None
    assert forge.resolve(path, "main") is None


@pytest.mark.parametrize(
    "call",
    [
        lambda forge: forge.tree(NOBODYS, "main"),
        lambda forge: forge.versions(NOBODYS),
        lambda forge: forge.read(NOBODYS, "main", "a.txt", 10),
    ],
)
def test_what_is_asked_of_a_project_that_is_not_there_is_not_found(forge, call):
    with pytest.raises(NotFoundError, match=NOBODYS):
        call(forge)


def test_the_tree_holds_every_file_however_many_there_are(shelf, forge):
    names = {f"folder{number % 7}/file{number}.txt" for number in range(250)}
    path = shelf.publish(dict.fromkeys(names, "text"))

    assert {entry.path for entry in forge.tree(path, "main")} == names


def test_a_file_is_read_up_to_its_limit(shelf, forge):
    path = shelf.publish({"a.txt": "12345"})

    assert forge.read(path, "main", "a.txt", 5) == b"12345"
    with pytest.raises(TooLargeError, match=r"a\.txt is larger than"):
        forge.read(path, "main", "a.txt", 4)


@pytest.mark.parametrize("name", ["b.txt", "../a.txt", "a.txt/b", "", "a.txt?", "%61.txt"])
def test_a_file_that_is_not_there_is_not_found(shelf, forge, name):
    path = shelf.publish({"a.txt": "12345"})

    with pytest.raises(NotFoundError, match=f"{path} has no file"):
        forge.read(path, "main", name, 100)


def test_versions_come_newest_first_with_their_messages(shelf, forge):
    path = shelf.publish({"a.txt": "1"})
    first = shelf.tag(path, "v1.0")
    second = shelf.change(path, {"a.txt": "2"})
    shelf.on_forge(path).tags.create({"tag_name": "light", "ref": "main"})

    found = {version.tag: version for version in forge.versions(path)}

    assert (found["v1.0"].commit, found["v1.0"].message) == (first, "The message of v1.0")
    assert (found["light"].commit, found["light"].message) == (second, "")
    assert found["v1.0"].created_at.tzinfo is not None


def test_somebodys_level_counts_through_the_group_too(shelf, forge):
    path = shelf.publish({"a.txt": "1"}, visibility="private")
    names = ["u" + os.urandom(4).hex() for _ in range(3)]
    for name in names:
        forge.ensure_user(name, name)
    ids = [shelf.root.users.list(username=name, get_all=True)[0].id for name in names]
    shelf.on_forge(path).members.create({"user_id": ids[0], "access_level": 20})
    shelf.root.groups.get(shelf.group).members.create({"user_id": ids[1], "access_level": 40})

    assert [forge.member_level(path, name) for name in names] == [20, 40, None]
    assert forge.member_level(path, "nobody-of-that-name") is None
    assert forge.member_level(NOBODYS, names[0]) is None


def test_what_is_ensured_twice_is_made_once(forge):
    group, user = "e" + os.urandom(4).hex(), "e" + os.urandom(4).hex()
    for _ in range(2):
        forge.ensure_group(group, "Ensured")
        forge.ensure_user(user, "Ensured")
    first = forge.ensure_project(group, "thing", "public", "A thing")
    second = forge.ensure_project(group, "thing", "private", "Another")

    assert first == second
    assert (first.path, first.visibility, first.description) == (f"{group}/thing", "public", "A thing")


def test_a_checkout_holds_the_files_of_one_commit(shelf, forge, tmp_path):
    path = shelf.publish({"a.txt": "1", "folder/b.txt": "b"}, visibility="private")
    first = shelf.head(path)
    shelf.change(path, {"a.txt": "2"})

    forge.checkout(path, first, tmp_path / "new" / "checkout")

    assert (tmp_path / "new" / "checkout" / "a.txt").read_text() == "1"
    assert (tmp_path / "new" / "checkout" / "folder" / "b.txt").read_text() == "b"


def test_a_checkout_keeps_no_credential(shelf, forge, tmp_path):
    path = shelf.publish({"a.txt": "1"})
    forge.checkout(path, shelf.head(path), tmp_path / "checkout")

    kept = [file for file in (tmp_path / "checkout").rglob("*") if file.is_file()]
    assert ROOT_TOKEN not in forge.address(path)
    assert [file for file in kept if ROOT_TOKEN.encode() in file.read_bytes()] == []


def test_a_checkout_executes_nothing_of_the_repository(shelf, forge, tmp_path):
    files = {
        ".gitattributes": "* filter=ours\n",
        ".gitconfig": '[filter "ours"]\n\tsmudge = touch ran\n',
        ".gitmodules": '[submodule "s"]\n\tpath = s\n\turl = ext::touch ran\n',
        "hooks/post-checkout": "#!/bin/sh\ntouch ran\n",
        "a.txt": "1",
    }
    path = shelf.publish(files)
    folder = tmp_path / "checkout"

    try:
        forge.checkout(path, shelf.head(path), folder)
    except UnavailableError:  # git itself refuses such a submodule
        assert not (folder / "a.txt").exists()
    assert list(tmp_path.rglob("ran")) == []


def test_an_old_history_with_harmless_mistakes_is_pushed_and_checked_out(shelf, forge, tmp_path):
    path, work = shelf.publish({}), tmp_path / "work"
    work.mkdir()

    def git(*arguments: str) -> str:
        return shelf.running.git(*arguments, cwd=work, token=ROOT_TOKEN).stdout.strip()

    def made(kind: str, content: bytes) -> str:
        (work / kind).write_bytes(content)
        return git("hash-object", "-t", kind, "-w", "--literally", kind)

    git("init", "--quiet")
    inner = made("tree", b"100644 a.txt\0" + bytes.fromhex(made("blob", b"old")))
    tree = made("tree", b"040000 folder\0" + bytes.fromhex(inner))
    who = b"Ada <ada@example.org> 1111111111 +051800"
    commit = made("commit", b"tree %s\nauthor %s\ncommitter %s\n\nOld\n" % (tree.encode(), who, who))
    git("push", "--quiet", shelf.on_forge(path).http_url_to_repo, f"{commit}:refs/heads/main")
    forge.checkout(path, commit, tmp_path / "checkout")

    assert (tmp_path / "checkout" / "folder" / "a.txt").read_text() == "old"


@pytest.mark.parametrize("commit", ["0" * 40, "no-such-branch"])
def test_a_commit_that_is_not_there_cannot_be_checked_out(shelf, forge, tmp_path, commit):
    path = shelf.publish({"a.txt": "1"})

    with pytest.raises(NotFoundError, match=f"{path} has no commit {commit[:7]}"):
        forge.checkout(path, commit, tmp_path / "checkout")


def test_a_forge_that_answers_is_alive(forge):
    assert forge.alive()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_a_forge_every_call_says_that_it_does_not_answer(tmp_path, call):
    url = f"http://127.0.0.1:{free_port()}/git"

    with pytest.raises(UnavailableError, match=f"(The forge at {url} does not answer|from the forge)"):
        call(client(url), NOBODYS, tmp_path)
    assert not client(url).alive()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_with_a_wrong_token_every_call_says_which_setting_to_change(projects_forge, tmp_path, call):
    wrong = client(projects_forge.url, "glpat-wrong")

    with pytest.raises(
        UnavailableError, match=r"(set a valid one in \[forge\] token|from the forge)"
    ) as refused:
        call(wrong, NOBODYS, tmp_path)
    assert "glpat-wrong" not in refused.value.detail
    assert not wrong.alive()


def test_what_answers_but_is_no_forge_is_unavailable(projects_forge, tmp_path):
    with pytest.raises(UnavailableError):
        client(projects_forge.url + "/-/health").ensure_user("somebody", "Somebody")
