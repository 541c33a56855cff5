"""More people than places: all come in turn, whatever is killed; what nobody uses ends with a warning."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from auth.identity import Level
from deploy.in_force import load
from tests.conftest import WITHOUT_EXAMPLES, await_end, free_port, start_workspace, stop_workspace, wait_for
from tests.publishing import notebook, publish
from tests.workspace.test_processes import process_of
from workspace_api.workspace import open_workspace

pytestmark = [pytest.mark.workspace, pytest.mark.timeout(900)]

PEOPLE = [f"person{number}" for number in range(5)]
PLACES = 3
SETTINGS = {
    **WITHOUT_EXAMPLES,
    "LABFORK_SESSIONS__HOST": "127.0.0.1",
    "LABFORK_SESSIONS__AT_ONCE": str(PLACES),
    "LABFORK_SESSIONS__IDLE_MINUTES": "1",
    "LABFORK_SESSIONS__NETWORK": "mirror",
    "LABFORK_RUNS__NETWORK": "mirror",
    "LABFORK_SESSIONS__CLASSES__SMALL__CPUS": "1",
    "LABFORK_SESSIONS__CLASSES__SMALL__MEMORY_GIB": "2",
    "LABFORK_SESSIONS__CLASSES__BRIEF__CPUS": "1",
    "LABFORK_SESSIONS__CLASSES__BRIEF__MEMORY_GIB": "1",
    "LABFORK_SESSIONS__CLASSES__BRIEF__HOURS": "0.01",
}
REACH = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen("http://169.254.169.254/latest/", timeout=20)
except urllib.error.HTTPError as error:
    assert "169.254.169.254:80 is not reached from here" in error.reason, error.reason
else:
    raise AssertionError("it was reached")
"""


class Busy:
    """A workspace with few places, more people and a project; it may be killed and started again."""

    def __init__(self, home) -> None:
        self.home, self.port = home, free_port()
        self.running = start_workspace(home, self.port, **SETTINGS)
        workspace = open_workspace(load(home).settings())
        self.tokens = {}
        for name in PEOPLE:
            workspace.people.add(name, level=Level.AUTHOR)
            self.tokens[name] = workspace.tokens.create(name, "test", frozenset({"api"})).secret
        workspace.close()
        self.project = publish(
            self.running, "crowded", {"a.ipynb": notebook("n"), "r.ipynb": notebook(REACH)}
        )

    def call(self, name: str, method: str, path: str, **more) -> dict:
        """Ask the workspace something as `name`."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        with self.running.client(headers=headers) as client:
            return client.request(method, f"/api/v1/sessions{path}", **more).raise_for_status().json()

    def open(self, name: str, size: str = "small") -> dict:
        """Press Open."""
        return self.call(name, "POST", "", json={"project": self.project, "size": size})

    def latest(self, name: str) -> dict:
        """Return the session that somebody opened last."""
        return self.call(name, "GET", "?ended=true")["items"][0]

    def kill_all(self) -> None:
        """End the hub, and with it every process it started, without a warning; start them again."""
        self.running.process.send_signal(signal.SIGKILL)
        self.running.process.wait()
        self.running = start_workspace(self.home, self.port, **SETTINGS)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """The workspace with three places."""
    made = Busy(tmp_path_factory.mktemp("busy") / "var")
    yield made
    stop_workspace(made.running)


def test_a_run_asks_the_proxy_to_package_indexes_which_is_started_again_when_it_dies(busy):
    first = process_of(busy.running, "hub.mirror.server")
    first.kill()
    wait_for(
        lambda: (found := process_of(busy.running, "hub.mirror.server")) and found.pid != first.pid,
        seconds=20,
        what="another proxy",
    )
    with busy.running.client() as client:
        wanted = {"project": busy.project, "notebook": "r.ipynb"}
        run = client.post("/api/v1/runs", json=wanted).raise_for_status().json()
        ended = await_end(client, run["id"])

    assert (ended["state"], ended["error"]) == ("succeeded", None)


def test_people_at_once_all_come_in_turn_though_everything_is_killed_in_between(busy):
    with ThreadPoolExecutor(len(PEOPLE)) as crowd:
        opened = list(crowd.map(busy.open, PEOPLE))
    states = {name: busy.latest(name) for name in PEOPLE}
    waiting = sorted(s["position"] for s in states.values() if s["state"] == "waiting")
    assert waiting == list(range(1, len(PEOPLE) - PLACES + 1)), states
    assert len({session["id"] for session in opened}) == len(PEOPLE)

    process_of(busy.running, "web").send_signal(signal.SIGKILL)
    with busy.running.client() as client:
        wait_for(lambda: client.get("/ready").status_code == 200, what="the pages again")
    served: list[str] = []

    def all_served() -> bool:
        now = {name: busy.latest(name) for name in PEOPLE}
        open_ = [
            name for name, session in now.items() if session["state"] in ("preparing", "starting", "running")
        ]
        assert len(open_) <= PLACES
        assert [session["error"] for session in now.values() if session["state"] == "failed"] == []
        for name in [name for name in open_ if now[name]["state"] == "running"][:1]:
            assert now[name]["id"] == states[name]["id"]
            served.append(name)
            busy.call(name, "DELETE", f"/{now[name]['id']}")
            if len(served) == 1:
                busy.kill_all()
        return len(served) == len(PEOPLE)

    wait_for(all_served, seconds=500, what="everybody's turn")
    assert sorted(served) == PEOPLE


def test_an_unused_session_warns_is_kept_and_at_last_ends_with_the_reason(busy):
    name, session = PEOPLE[0], busy.open(PEOPLE[0])
    address = f"/{session['id']}"
    seen = wait_for(
        lambda: (found := busy.call(name, "GET", address))["ending_soon"] and found,
        seconds=300,
        what="the warning",
    )
    assert (seen["ends_because"], seen["size"]["name"]) == ("idle", "small")
    assert seen["usage"]["memory_bytes"] > 10_000_000
    assert seen["usage"]["peak_memory_bytes"] >= seen["usage"]["memory_bytes"]
    assert seen["usage"]["cpu_seconds"] > 0

    kept = busy.call(name, "POST", f"{address}/keep")
    assert dt.datetime.fromisoformat(kept["ends_at"]) > dt.datetime.fromisoformat(seen["ends_at"])
    assert not kept["ending_soon"]

    ended = wait_for(
        lambda: (found := busy.call(name, "GET", address))["state"] == "stopped" and found,
        seconds=300,
        what="the end",
    )
    assert ended["ended_because"] == "It ended because it was not used for 1 minute."


def test_sessions_may_share_the_address_of_the_pages(busy):
    session = busy.open(PEOPLE[2])
    wait_for(
        lambda: busy.call(PEOPLE[2], "GET", f"/{session['id']}")["state"] == "running",
        seconds=120,
        what="the session",
    )
    with busy.running.client() as client:
        answer = wait_for(
            lambda: (found := client.get(f"{session['url']}api")).status_code == 200 and found,
            what="the proxy's route",
        )

    assert answer.json()["version"]
    busy.call(PEOPLE[2], "DELETE", f"/{session['id']}")


def test_the_time_limit_of_a_size_ends_a_session_though_it_is_used(busy):
    name = PEOPLE[1]
    address = f"/{busy.open(name, 'brief')['id']}"

    def ended_in_use() -> dict | None:
        found = busy.call(name, "GET", address)
        if found["state"] == "running":
            with contextlib.suppress(httpx.HTTPStatusError):  # it has ended this moment
                busy.call(name, "POST", f"{address}/keep")
        return found if found["state"] == "stopped" else None

    ended = wait_for(ended_in_use, seconds=300, what="the end")

    assert "longest of the size Brief" in ended["ended_because"]
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        busy.call(name, "POST", f"{address}/keep")
