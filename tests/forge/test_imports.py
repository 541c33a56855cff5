"""Projects whose repository comes from elsewhere: here from a second forge, over real HTTP."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gitlab
import pytest
from gitlab.exceptions import GitlabCreateError

from tests.conftest import free_port, wait_for
from tests.forge.conftest import RunningForge, start_forge


class Elsewhere(ThreadingHTTPServer):
    """A server that answers everything in one way: `redirect`, or never (`slow`)."""

    def __init__(self, how: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.how, self.asked = how, threading.Event()
        self.paths: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.asked.set()
        if self.server.how == "slow":
            time.sleep(3)
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/secret")
        self.end_headers()

    def log_message(self, *_arguments) -> None:
        """Stay quiet."""


@pytest.fixture
def elsewhere() -> Iterator:
    running = []

    def make(how: str) -> Elsewhere:
        server = Elsewhere(how)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def importing(tmp_path_factory, forge) -> Iterator[RunningForge]:
    """A forge that may import from the other one."""
    running = start_forge(
        tmp_path_factory.mktemp("importing") / "home",
        free_port(),
        more=("--import-host", f"http://127.0.0.1:{forge.port}", "--import-mib", "3"),
    )
    yield running
    running.process.kill()
    running.process.wait(20)


def status_of(client: gitlab.Gitlab, project_id: int) -> str:
    return client.projects.get(project_id).import_status


def ended(client: gitlab.Gitlab, project_id: int):
    wait_for(
        lambda: status_of(client, project_id) in ("finished", "failed"), seconds=30, what="the import's end"
    )
    return client.projects.get(project_id)


def import_(client: gitlab.Gitlab, url: str):
    made = client.projects.create({"name": "p" + os.urandom(4).hex(), "import_url": url})
    assert made.import_status == "scheduled"
    return made


def test_branches_tags_and_the_default_branch_arrive(forge, importing, project):
    source = project("public", {"README.md": "# Hello", "-rf": "a file with a bad name"})
    source.branches.create({"branch": "work", "ref": "main"})
    source.default_branch = "work"
    source.save()
    source.tags.create({"tag_name": "v1.0", "ref": "main"})
    client = importing.client()
    made = ended(client, import_(client, source.http_url_to_repo).id)
    assert (made.import_status, made.import_error) == ("finished", None)
    assert made.default_branch == "work"
    assert made.import_url == source.http_url_to_repo
    assert {branch.name for branch in made.branches.list(get_all=True)} == {"main", "work"}
    assert [tag.name for tag in made.tags.list(get_all=True)] == ["v1.0"]
    assert made.commits.list()[0].id == source.commits.list()[0].id
    assert not list((importing.home / "imports").iterdir())


def test_strangers_do_not_learn_the_address(importing, forge, project):
    source = project("public", {"a": "b"})
    made = importing.client().projects.create(
        {"name": "p" + os.urandom(4).hex(), "import_url": source.http_url_to_repo, "visibility": "public"}
    )
    shown = importing.client(None).projects.get(made.id)
    assert not hasattr(shown, "import_url")
    assert shown.import_status


def test_a_host_that_is_not_allowed_is_refused_at_once(importing):
    with pytest.raises(GitlabCreateError, match="not at one of the hosts") as refusal:
        importing.client().projects.create({"name": "x", "import_url": "https://127.0.0.1/a/b"})
    assert refusal.value.response_code == 400


def test_without_a_list_nothing_is_imported(root):
    with pytest.raises(GitlabCreateError, match="allowed here: none"):
        root.projects.create({"name": "x", "import_url": "https://github.com/owner/name"})


def test_what_is_not_there_or_private_fails_in_words(forge, importing, project):
    client = importing.client()
    private = project("private", {"a": "b"})
    for url in (private.http_url_to_repo, f"{forge.url}/nobody/nothing.git"):
        made = ended(client, import_(client, url).id)
        assert made.import_status == "failed"
        assert made.import_error == "There is no public repository at this address, or it needs a password."
        assert made.empty_repo


def test_a_repository_beyond_the_limit_leaves_nothing(importing, project):
    source = project("public", {"big": os.urandom(4_000_000).hex()})
    client = importing.client()
    made = ended(client, import_(client, source.http_url_to_repo).id)
    assert made.import_status == "failed"
    assert "larger than 3 MiB, the most that is fetched here" in made.import_error
    assert made.empty_repo
    wait_for(lambda: not list((importing.home / "imports").iterdir()), seconds=5, what="tidying up")


def test_redirects_are_not_followed(tmp_path, elsewhere):
    server = elsewhere("redirect")
    host = f"http://127.0.0.1:{server.server_port}"
    running = start_forge(tmp_path / "home", free_port(), more=("--import-host", host))
    try:
        client = running.client()
        made = ended(client, import_(client, f"{host}/owner/name").id)
        assert "use the address it leads to" in made.import_error
    finally:
        running.process.kill()
        running.process.wait(20)


def test_a_forge_that_is_killed_begins_the_import_anew(tmp_path, elsewhere, forge, project):
    slow = elsewhere("slow")
    hosts = (f"http://127.0.0.1:{slow.server_port}", f"http://127.0.0.1:{forge.port}")
    more = tuple(part for host in hosts for part in ("--import-host", host))
    home: Path = tmp_path / "home"
    running = start_forge(home, free_port(), more=more)
    made = import_(running.client(), f"{hosts[0]}/owner/name")
    assert slow.asked.wait(20)
    assert list((home / "imports").iterdir())
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(20)
    asked = len(slow.paths)
    running = start_forge(home, free_port(), more=more)
    try:
        client = running.client()
        assert client.projects.get(made.id).empty_repo
        assert ended(client, made.id).import_status == "failed"
        assert len(slow.paths) > asked
        again = ended(client, import_(client, project("public", {"a": "b"}).http_url_to_repo).id)
        assert again.import_status == "finished"
    finally:
        running.process.kill()
        running.process.wait(20)
