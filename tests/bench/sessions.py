"""How long a person waits for a session, beside what JupyterHub's plain spawners need for the same server."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx

from auth.identity import Level
from deploy.in_force import load
from tests.bench.plain_hub import LOOK_AT_ALL_SECONDS, LOOK_SECONDS, PlainHub, docker, plain_hub, simple
from tests.bench.table import Row
from tests.conftest import WITHOUT_EXAMPLES, RunningWorkspace, seeded_workspace, wait_for
from tests.engine import running_engine
from workspace_api.database import now
from workspace_api.workspace import Workspace, open_workspace

SIMPLE, DOCKER = "SimpleLocalProcessSpawner", "DockerSpawner"
PROJECT = "genomics/alphagenome"
PEOPLE = [f"bench{number}" for number in range(10)]
LIMIT_SECONDS = 0.8
TARGET = f"under {LIMIT_SECONDS} s, at most 1.1x"
ROOM = {
    **WITHOUT_EXAMPLES,  # so that nothing else is at work
    "LABFORK_SESSIONS__AT_ONCE": str(len(PEOPLE)),
    "LABFORK_SESSIONS__CPUS_AT_ONCE": str(len(PEOPLE)),
    "LABFORK_SESSIONS__MEMORY_AT_ONCE_GIB": str(len(PEOPLE)),
    "LABFORK_SESSIONS__CLASSES__SMALL__CPUS": "1",
    "LABFORK_SESSIONS__CLASSES__SMALL__MEMORY_GIB": "1",
}


class People:
    """People who open the curated project of a workspace."""

    def __init__(self, workspace: RunningWorkspace, services: Workspace) -> None:
        self._url = workspace.url
        ends = now() + dt.timedelta(hours=2)
        self._tokens = {}
        for name in PEOPLE:
            services.people.add(name, level=Level.AUTHOR)
            scopes = frozenset({"api"})
            self._tokens[name] = services.tokens.create(name, "bench", scopes, expires_at=ends).secret

    def warm_up(self, services: Workspace) -> None:
        """Have the project's environment built, and the fork server load."""
        self.seconds_to_ready(PEOPLE[0])
        wait_for(lambda: (services.warm.expect(), services.warm.loaded())[1], seconds=300, what="fork server")

    def seconds_to_ready(self, name: str) -> float:
        """Press Open, return how long it took until the session answers, and stop it."""
        with self._client(name) as client:
            started = time.monotonic()
            session = _open(client)
            seconds = time.monotonic() - started
            _stop(client, session)
        return seconds

    def slowest(self) -> float:
        """Have everybody press Open at once; return how long the last one waited, and stop all."""
        with ExitStack() as stack, ThreadPoolExecutor(len(PEOPLE)) as pool:
            clients = [stack.enter_context(self._client(name)) for name in PEOPLE]
            started = time.monotonic()
            opened = list(pool.map(_press, clients))
            while not all(_runs(client, one["id"]) for client, one in zip(clients, opened, strict=True)):
                time.sleep(LOOK_AT_ALL_SECONDS)
            seconds = time.monotonic() - started
            for client, session in zip(clients, opened, strict=True):
                _stop(client, session)
        return seconds

    def _client(self, name: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return httpx.Client(base_url=self._url, headers=headers, timeout=60)


def sandbox_sessions(folder: Path) -> Iterator[Row]:
    """Measure sessions in the sandbox, beside the simplest spawner there is with the same environment."""
    with seeded_workspace(folder / "sandbox", **ROOM) as workspace, _people(workspace) as (people, services):
        people.warm_up(services)
        builder, key = services.environments.builder, _key(workspace)
        with plain_hub(folder / "simple-hub", simple(builder.folder(key))) as hub:
            mine, peer = _in_turn(people, hub)
    met = mine < LIMIT_SECONDS and mine <= 1.1 * peer
    yield Row("click to ready, sandbox", mine, "s", TARGET, met, peer, SIMPLE)


def container_sessions(folder: Path) -> Iterator[Row]:
    """Measure sessions in containers, beside DockerSpawner with the same image in the same engine."""
    with (
        running_engine() as engine,
        seeded_workspace(folder / "containers", **ROOM, **engine.settings) as workspace,
        _people(workspace) as (people, services),
    ):
        people.warm_up(services)
        builder, key = services.environments.builder, _key(workspace)
        settings = docker(engine, builder.image(key), str(builder.python(key)))
        with plain_hub(folder / "docker-hub", settings) as hub:
            mine, peer = _in_turn(people, hub)
            met = mine < LIMIT_SECONDS and mine <= 1.1 * peer
            yield Row("click to ready, container", mine, "s", TARGET, met, peer, DOCKER)
            mine, peer = people.slowest(), _slowest(hub)
            met = mine <= 0.8 * peer
            yield Row("ten people at once, container", mine, "s", "at most 0.8x", met, peer, DOCKER)


@contextmanager
def _people(workspace: RunningWorkspace) -> Iterator[tuple[People, Workspace]]:
    services = open_workspace(load(workspace.home).settings())
    try:
        yield People(workspace, services), services
    finally:
        services.close()


def _key(workspace: RunningWorkspace) -> str:
    """Return the key of the project's environment."""
    with workspace.client() as client:
        found = client.get(f"/api/v1/projects/{PROJECT}/worksheets").raise_for_status().json()
    return str(found["items"][0]["environment_key"])


def _in_turn(people: People, hub: PlainHub, times: int = 5) -> tuple[float, float]:
    """Return the medians of one person's waits, ours and the plain hub's, without the first of each."""
    hub.add(PEOPLE)
    name = PEOPLE[0]
    pairs = [(people.seconds_to_ready(name), hub.seconds_to_ready(name)) for _ in range(times + 1)]
    ours, peers = zip(*pairs[1:], strict=True)
    return statistics.median(ours), statistics.median(peers)


def _slowest(hub: PlainHub) -> float:
    started = time.monotonic()
    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        list(pool.map(hub.start, PEOPLE))
    while not all(hub.is_ready(name) for name in PEOPLE):
        time.sleep(LOOK_AT_ALL_SECONDS)
    seconds = time.monotonic() - started
    for name in PEOPLE:
        hub.stop(name)
    return seconds


def _press(client: httpx.Client) -> dict:
    return client.post("/api/v1/sessions", json={"project": PROJECT}).raise_for_status().json()


def _open(client: httpx.Client) -> dict:
    session = _press(client)
    while not _runs(client, session["id"]):
        time.sleep(LOOK_SECONDS)
    return session


def _runs(client: httpx.Client, session_id: str) -> bool:
    session = client.get(f"/api/v1/sessions/{session_id}").raise_for_status().json()
    if session["state"] in ("failed", "stopped"):
        raise RuntimeError(f"the session {session['state']}: {session['error']}")
    return session["state"] == "running" and _is_reached(client, session["url"])


def _is_reached(client: httpx.Client, path: str) -> bool:
    """Whether the proxy leads to the session: its own server then says who it is, to everybody."""
    api = "/".join([*path.split("/")[:4], "api"])
    answer = client.get(api, follow_redirects=True)  # to the sessions' own address, if they have one
    return answer.url.path == api and answer.status_code == HTTPStatus.OK


def _stop(client: httpx.Client, session: dict) -> None:
    client.delete(f"/api/v1/sessions/{session['id']}").raise_for_status()
    time.sleep(1)
