"""The line of sessions, with a small server that speaks the calls of JupyterHub that are asked, and counts.

The same with JupyterHub itself is in tests/workspace/test_session_queue.py.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from auth.identity import Identity, Level
from tests.databases import make_database
from workspace_api.database import now
from workspace_api.errors import ConflictError, UnavailableError
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.settings import HubSettings, SessionSettings, Settings
from workspace_api.workspace import open_workspace

PEOPLE = [f"p{number}" for number in range(10)]
SERVER = re.compile(r"/users/([^/]+)/servers/([^/?]+)")
LONG_AGO = dt.timedelta(minutes=5)


class Hub(ThreadingHTTPServer):
    """Knows servers, each with when it was used last; `refusing` makes it refuse to start any."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.known: dict[tuple[str, str], dt.datetime] = {}
        self.starts: list[str] = []
        self.stops: list[str] = []
        self.looks = 0
        self.refusing = False


class Handler(BaseHTTPRequestHandler):
    """Answers what the workspace asks of JupyterHub."""

    server: Hub

    def do_GET(self):
        self.server.looks += "?" in self.path
        people: dict[str, dict] = {}
        for (user, name), used in self.server.known.items():
            servers = people.setdefault(user, {"name": user, "servers": {}})["servers"]
            servers[name] = {"ready": True, "pending": None, "last_activity": used.isoformat()}
        self.answer(200, list(people.values()) if "?" in self.path else {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        if found := SERVER.search(self.path):
            if self.server.refusing:
                self.answer(403, {})
                return
            self.server.starts.append(found[1])
            self.server.known[found[1], found[2]] = dt.datetime.now(dt.UTC)
        for name, said in body.get("servers", {}).items():
            user = self.path.split("/")[2]
            self.server.known[user, name] = dt.datetime.fromisoformat(said["last_activity"])
        self.answer(201, {})

    def do_DELETE(self):
        found = SERVER.search(self.path)
        self.server.stops.append(found[1])
        self.server.known.pop((found[1], found[2]), None)
        self.answer(202, {})

    def answer(self, status: int, content) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    """The small hub on a free port."""
    hub = Hub()
    threading.Thread(target=hub.serve_forever, args=[0.02], daemon=True).start()
    yield hub
    hub.shutdown()
    hub.server_close()


@pytest.fixture
def workspace(tmp_path, hub):
    """A workspace with three places, two for a person, and ten people."""
    settings = Settings(
        home=tmp_path / "home",
        public_url="http://testserver",
        database_url=f"sqlite:///{tmp_path / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        hub=HubSettings(api_url=f"http://127.0.0.1:{hub.server_address[1]}", token=SecretStr("web")),
        sessions=SessionSettings(per_person=2, at_once=3, cpus_at_once=99, memory_at_once_gib=99),
    )
    settings.home.mkdir()
    make_database(settings.database_url)
    opened = open_workspace(settings)
    for name in PEOPLE:
        opened.people.add(name, level=Level.AUTHOR)
    yield opened
    opened.close()


def identity(name: str) -> Identity:
    return Identity(user=name, level=Level.AUTHOR)


def enter(workspace, name: str, project: str = "tests/one"):
    """Put somebody's session into the line, as *Open* does, and let in whoever has a place."""
    sessions = workspace.sessions
    size = sessions.choice.named(identity(name), "standard")
    view = sessions._queue.enter(name, project, "lab", size)
    sessions._queue.admit()
    return view


def change(workspace, session_id: str, **values) -> None:
    with workspace.database.write() as session:
        session.execute(update(WorkSession).where(WorkSession.id == session_id).values(**values))


def state(workspace, name: str, session_id: str):
    return workspace.sessions.get(identity(name), session_id)


def test_ten_people_at_once_start_in_turn_each_once(workspace, hub):
    with ThreadPoolExecutor(len(PEOPLE)) as crowd:
        opened = dict(zip(PEOPLE, crowd.map(lambda name: enter(workspace, name), PEOPLE), strict=True))
    assert len(hub.starts) == 3
    waiting = [state(workspace, name, view.id) for name, view in opened.items()]
    line = sorted(view.standing.position for view in waiting if view.standing)
    assert line == [1, 2, 3, 4, 5, 6, 7]

    for number in range(len(PEOPLE)):
        name = hub.starts[number]
        workspace.sessions.started(name, opened[name].server, "ab")
        workspace.sessions.ended(name, opened[name].server, "exited", "")
    in_order = sorted(opened.values(), key=lambda view: (view.opened_at, view.id))
    assert hub.starts[3:] == [view.owner for view in in_order if view.owner not in hub.starts[:3]]
    assert sorted(hub.starts) == PEOPLE


def test_tabs_that_press_open_at_once_share_one_session_that_is_started_once(workspace, hub):
    with ThreadPoolExecutor(8) as tabs:
        opened = list(tabs.map(lambda _: enter(workspace, "p0"), range(8)))

    assert len({view.id for view in opened}) == 1
    assert hub.starts == ["p0"]


def test_a_person_at_their_limit_holds_up_nobody(workspace, hub):
    for project in ("a/1", "a/2", "a/3"):
        last = enter(workspace, "p0", project)
    enter(workspace, "p1")
    assert hub.starts == ["p0", "p0", "p1"]

    waiting = state(workspace, "p0", last.id)
    assert "stop a/1 or a/2 under My work" in waiting.standing.words or "a/2 or a/1" in waiting.standing.words
    first = next(view for view in workspace.sessions.mine(identity("p0")) if view.project == "a/1")
    workspace.sessions.stop(identity("p0"), first.id)
    assert hub.starts == ["p0", "p0", "p1", "p0"]
    assert hub.stops == ["p0"]


def test_one_whose_asker_was_killed_is_asked_for_again_and_not_for_ever(workspace, hub):
    view = enter(workspace, "p0")
    for asks in (2, 3):
        hub.known.clear()
        workspace.sessions._hub.servers(fresh=True)
        change(workspace, view.id, asked_at=now() - LONG_AGO)
        workspace.sessions.upkeep.go_on()
        assert hub.starts == ["p0"] * asks
        assert state(workspace, "p0", view.id).state == "preparing"

    hub.known.clear()
    workspace.sessions._hub.servers(fresh=True)
    change(workspace, view.id, asked_at=now() - LONG_AGO)
    workspace.sessions.upkeep.go_on()
    ended = state(workspace, "p0", view.id)
    assert (ended.state, hub.starts) == ("failed", ["p0"] * 3)
    assert "Open it again; nothing is lost" in ended.error


def test_a_server_whose_session_has_ended_is_stopped(workspace, hub):
    view = enter(workspace, "p0")
    change(workspace, view.id, state=SessionState.STOPPED, ended_at=now() - LONG_AGO)
    workspace.sessions.upkeep.go_on()

    assert hub.stops == ["p0"]


def test_a_start_that_jupyterhub_refuses_is_at_its_end_and_gives_its_place_away(workspace, hub):
    hub.refusing = True
    view = enter(workspace, "p0")
    refused = state(workspace, "p0", view.id)
    assert refused.state == "failed"
    assert "refused to start" in refused.error

    hub.refusing = False
    enter(workspace, "p1")
    assert hub.starts == ["p1"]


def test_many_who_look_ask_jupyterhub_once(workspace, hub):
    views = [enter(workspace, name) for name in PEOPLE[:3]]
    for view in views:
        workspace.sessions.started(view.owner, view.server, "ab")
        change(workspace, view.id, asked_at=now() - LONG_AGO)
    hub.looks = 0
    with ThreadPoolExecutor(20) as crowd:
        list(crowd.map(lambda view: state(workspace, view.owner, view.id), views * 20))

    assert 1 <= hub.looks < 10


def test_use_is_told_kept_and_its_want_is_the_reason_of_the_end(workspace, hub):
    view = enter(workspace, "p0")
    with pytest.raises(ConflictError, match="only one that runs is kept"):
        workspace.sessions.keep(identity("p0"), view.id)
    workspace.sessions.started("p0", view.server, "ab")
    change(workspace, view.id, started_at=now() - dt.timedelta(hours=3))
    hub.known["p0", view.server] = now() - dt.timedelta(minutes=115)
    workspace.sessions._hub.servers(fresh=True)
    seen = state(workspace, "p0", view.id).activity
    assert seen.idle_seconds >= 115 * 60
    assert (seen.ending.because, seen.ending.soon) == ("idle", True)

    kept = workspace.sessions.keep(identity("p0"), view.id).activity
    assert kept.idle_seconds < 60
    assert not kept.ending.soon

    hub.known["p0", view.server] = now() - dt.timedelta(minutes=120)
    workspace.sessions.ended("p0", view.server, "cancelled", "")
    ended = state(workspace, "p0", view.id)
    assert (ended.state, ended.error) == ("stopped", None)
    assert ended.ended_because == "It ended because it was not used for 2 hours."


def test_one_that_ended_with_the_workspace_says_so(workspace, hub):
    view = enter(workspace, "p0")
    workspace.sessions.started("p0", view.server, "ab")
    change(workspace, view.id, asked_at=now() - LONG_AGO)
    hub.known.clear()
    workspace.sessions._hub.servers(fresh=True)
    ended = state(workspace, "p0", view.id)

    assert (ended.state, ended.error) == ("stopped", None)
    assert "because the workspace was stopped or started again" in ended.ended_because


def test_an_end_by_jupyterhub_that_is_none_for_want_of_use_gives_no_such_reason(workspace, hub):
    view = enter(workspace, "p0")
    workspace.sessions.started("p0", view.server, "ab")
    workspace.sessions.ended("p0", view.server, "cancelled", "")

    assert state(workspace, "p0", view.id).ended_because is None


def test_a_hub_that_is_away_lets_one_keep_nothing(workspace, hub):
    view = enter(workspace, "p0")
    workspace.sessions.started("p0", view.server, "ab")
    hub.shutdown()
    hub.server_close()
    with pytest.raises(UnavailableError, match="JupyterHub does not answer"):
        workspace.sessions.keep(identity("p0"), view.id)


def test_a_server_that_never_answered_is_a_failure_with_its_words(workspace, hub):
    opened = enter(workspace, "p0")
    workspace.sessions.ended("p0", opened.server, "cancelled", "It did not answer within 60 s of its start.")

    told = state(workspace, "p0", opened.id)
    assert (told.state, told.error) == ("failed", "It did not answer within 60 s of its start.")
