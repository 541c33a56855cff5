"""A push is told by a real forge over HTTP, noted by the web application, and read by the worker."""

from __future__ import annotations

import json
import threading

import pytest
import uvicorn
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from tests.conftest import free_port, wait_for
from tests.projects.conftest import ADMIN, VISITOR, open_shelf
from tests.publishing import notebook
from workspace_api.app import create_app
from workspace_api.database import now
from workspace_api.errors import UnavailableError
from workspace_api.forge.hooks import PATH, TOKEN_HEADER, hook_token
from workspace_api.pushes.models import Push

FILES = {"requirements.txt": "six==1.17.0\n", "a.ipynb": notebook("n")}


@pytest.fixture(scope="module")
def listening(tmp_path_factory, projects_forge):
    """A workspace that a web server serves, and that the forge tells of pushes."""
    shelf = open_shelf(tmp_path_factory.mktemp("listening"), projects_forge)
    port = free_port()
    settings = shelf.workspace.settings
    forge = settings.forge.model_copy(update={"workspace_url": f"http://127.0.0.1:{port}"})
    shelf.workspace.pushes._settings = settings.model_copy(update={"forge": forge})
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(shelf.workspace), host="127.0.0.1", port=port, log_level="warning", loop="asyncio"
        )
    )
    serving = threading.Thread(target=server.run)
    serving.start()
    wait_for(lambda: server.started, what="the web server")
    assert shelf.workspace.pushes.listen()
    yield shelf
    server.should_exit = True
    serving.join()
    for hook in shelf.root.hooks.list(get_all=True):
        hook.delete()
    shelf.workspace.close()


@pytest.fixture
def told(shelf):
    """Posts what a forge would, with the right secret unless another is given."""
    client = TestClient(create_app(shelf.workspace), raise_server_exceptions=False)

    def post(body, token=None):
        given = hook_token(shelf.workspace.settings) if token is None else token
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {TOKEN_HEADER: given.encode(), "Content-Type": "application/json"}
        return client.post(PATH, content=data, headers=headers)

    return post


@pytest.fixture
def pushed(shelf):
    """A project that the workspace knows, as a push to it is told."""
    path = shelf.publish(FILES)
    shelf.workspace.projects.get(VISITOR, path)
    return {
        "event_name": "push",
        "project_id": shelf.on_forge(path).id,
        "ref": "refs/heads/main",
        "after": shelf.head(path),
    }


def waiting(shelf) -> list[tuple[str, int]]:
    with shelf.workspace.database.read() as session:
        return [(row.ref, row.count) for row in session.scalars(select(Push).order_by(Push.id))]


def read_all(shelf) -> int:
    read = 0
    while shelf.workspace.pushes.read_next():
        read += 1
    return read


def state_of(shelf, key: str) -> str:
    return shelf.workspace.environments.view(key).state


def test_a_push_of_environment_files_has_the_environment_built_before_anyone_opens_it(listening):
    path = listening.publish(FILES)
    known = listening.workspace.projects.snapshot(VISITOR, path)
    read_all(listening)

    listening.change(path, {"requirements.txt": "six==1.16.0\n"})
    wait_for(lambda: waiting(listening), what="the push")
    read_all(listening)

    newest = listening.workspace.projects.newest(VISITOR, path)
    assert newest.commit == listening.head(path)
    assert newest.environment_key != known.environment_key
    assert newest.environment_state == "wanted"
    assert waiting(listening) == []


def test_a_push_of_notebooks_alone_builds_nothing(listening):
    path = listening.publish(FILES)
    known = listening.workspace.projects.snapshot(VISITOR, path)
    before = listening.workspace.environments.count_by_state()

    listening.change(path, {"a.ipynb": notebook("n + 1")})
    wait_for(lambda: waiting(listening), what="the push")
    read_all(listening)

    newest = listening.workspace.projects.newest(VISITOR, path)
    assert (newest.commit, newest.environment_key) == (listening.head(path), known.environment_key)
    assert listening.workspace.environments.count_by_state() == before


def test_branches_and_tags_count_too_and_only_the_default_branch_is_the_newest(listening):
    path = listening.publish(FILES)
    listening.workspace.projects.get(VISITOR, path)
    commit = listening.change(path, {"requirements.txt": "six==1.15.0\n"}, branch="idea")
    listening.tag(path, "v1", commit)
    wait_for(
        lambda: {ref for ref, _ in waiting(listening)} >= {"refs/heads/idea", "refs/tags/v1"}, what="both"
    )
    read_all(listening)

    snapshot = listening.workspace.projects.snapshot(VISITOR, path, "v1")
    assert state_of(listening, snapshot.environment_key) == "wanted"
    newest = listening.workspace.projects.newest(VISITOR, path)
    assert newest is None or newest.commit != commit


def test_the_forge_is_asked_once_and_an_older_hook_is_replaced(listening):
    pushes, root = listening.workspace.pushes, listening.root
    assert pushes.listen() is False
    [hook] = root.hooks.list(get_all=True)
    assert (hook.push_events, hook.tag_push_events, hook.merge_requests_events) == (True, True, False)

    stale = root.hooks.create({"url": hook.url.replace("127.0.0.1", "localhost"), "push_events": True})
    other = root.hooks.create({"url": "http://127.0.0.1:9/api/v1/hooks/forge?workspace=another"})
    assert pushes.listen() is False
    assert {each.url for each in root.hooks.list(get_all=True)} == {hook.url, other.url}
    assert stale.url != hook.url
    other.delete()


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_nobody_else_may_tell_of_pushes(shelf, told, pushed, token):
    assert told(pushed, token).status_code == 401
    assert told(b"\xff" * 3_000_000, token).status_code == 401
    assert waiting(shelf) == []


def test_a_flood_of_one_event_is_one_reading(shelf, told, pushed):
    for _ in range(50):
        assert told(pushed).status_code == 204
    assert waiting(shelf) == [("refs/heads/main", 50)]

    assert read_all(shelf) == 1
    assert told(pushed).status_code == 204  # again, when all is known already
    before = shelf.workspace.environments.count_by_state()
    assert read_all(shelf) == 1
    assert shelf.workspace.environments.count_by_state() == before


def test_a_project_has_only_so_many_branches_that_wait(shelf, told, pushed):
    for number in range(110):
        assert told({**pushed, "ref": f"refs/heads/b{number}"}).status_code == 204

    assert len(waiting(shelf)) == 100
    assert read_all(shelf) == 100  # none of them is there, and none is asked for again
    assert waiting(shelf) == []


@pytest.mark.parametrize(
    "change",
    [
        {"project_id": 987_654_321},
        {"project_id": "1"},
        {"project_id": True},
        {"project_id": 1 << 70},
        {"ref": "refs/merge-requests/1/head"},
        {"ref": None},
        {"ref": "refs/heads/" + "x" * 300},
        {"after": "0" * 40},
        {"event_name": "project_create"},
        {"event_name": ["push"]},
    ],
)
def test_what_is_no_push_of_a_known_project_is_taken_and_forgotten(shelf, told, pushed, change):
    assert told({**pushed, **change}).status_code == 204
    assert waiting(shelf) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_no_json_is_refused(told, body):
    assert told(body).status_code == 400


@pytest.mark.parametrize("body", [[], "push", None, 1])
def test_json_that_is_no_event_is_taken_and_forgotten(shelf, told, body):
    assert told(body).status_code == 204
    assert waiting(shelf) == []


def test_an_event_as_large_as_gitlab_sends_is_taken_and_a_larger_one_is_not(told, pushed):
    assert told({**pushed, "project_id": 0, "commits": ["x" * 20_000_000]}).status_code == 204
    assert told({**pushed, "commits": ["x" * 26_000_000]}).status_code == 413


def test_a_forge_that_does_not_answer_is_asked_again_a_few_times(shelf, told, pushed, monkeypatch):
    def away(*_):
        raise UnavailableError("The forge does not answer.")

    monkeypatch.setattr(shelf.workspace.projects, "read_pushed", away)
    told(pushed)
    for _ in range(5):
        assert read_all(shelf) == 1
        assert len(waiting(shelf)) == 1
        with shelf.workspace.database.write() as session:
            session.execute(update(Push).values(due_at=now()))
    assert read_all(shelf) == 1

    assert waiting(shelf) == []


def test_a_push_while_the_last_one_is_read_is_read_too(shelf, told, pushed, monkeypatch):
    read = shelf.workspace.projects.read_pushed
    reads = []

    def interrupted(path, ref):
        reads.append(ref)
        if len(reads) == 1:
            told(pushed)
        return read(path, ref)

    monkeypatch.setattr(shelf.workspace.projects, "read_pushed", interrupted)
    told(pushed)

    assert read_all(shelf) == 2


def test_a_failed_environment_of_the_newest_commit_is_told_with_the_project(shelf, told):
    path = shelf.publish(FILES)
    curated = shelf.tag(path, "v1.0")
    shelf.workspace.projects.curate(ADMIN, path, version="v1.0")
    shelf.change(path, {"requirements.txt": "six\n--index-url https://me:secret@pypi.example/simple\n"})
    told(
        {
            "event_name": "push",
            "project_id": shelf.on_forge(path).id,
            "ref": "refs/heads/main",
            "after": shelf.head(path),
        }
    )
    read_all(shelf)
    key = shelf.workspace.projects.newest(ADMIN, path).environment_key
    with shelf.workspace.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Push)) == 0
    while (claimed := shelf.workspace.environments.claim("w", 30)) != key:
        shelf.workspace.environments.cancel(ADMIN, claimed)
    shelf.workspace.environments.build(key, "w", 30, threading.Event())

    answer = TestClient(create_app(shelf.workspace)).get(f"/api/v1/projects/{path}").json()
    assert answer["curated_commit"] == curated
    assert answer["newest"]["commit"] == shelf.head(path)
    assert answer["newest"]["environment_state"] == "failed"
    assert "requirements.txt, line 2" in answer["newest"]["environment_error"]
    log, _ = shelf.workspace.environments.log(key)
    assert "secret" not in answer["newest"]["environment_error"] + log
