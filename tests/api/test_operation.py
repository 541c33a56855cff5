"""What operators look at: health, readiness, metrics, the API's documentation."""

from __future__ import annotations

import datetime as dt
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from workspace_api.app import create_app
from workspace_api.database import now
from workspace_api.environments.models import Environment
from workspace_api.health import disk_trouble, examine
from workspace_api.people.models import User
from workspace_api.projects.models import Project
from workspace_api.runs.models import Run
from workspace_api.sessions.models import WorkSession
from workspace_api.settings import AlphaGenomeSettings, ForgeSettings, HubSettings
from workspace_api.workspace import open_workspace


class Answering(BaseHTTPRequestHandler):
    """Answers every request as a forge and a hub do that are asked for their version."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"version": "1", "revision": "1"}')

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A small HTTP server on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def whole(home, make_settings, server):
    """A workspace whose forge, hub and gateway answer."""
    port = server.server_address[1]
    url = f"http://127.0.0.1:{port}"
    workspace = open_workspace(
        make_settings(
            home,
            forge=ForgeSettings(url=url),
            hub=HubSettings(api_url=url, token=SecretStr("x")),
            alphagenome=AlphaGenomeSettings(port=port),
        )
    )
    yield workspace
    workspace.close()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_alive(visitor):
    assert visitor.get("/health").json() == {"status": "alive"}


def test_ready_when_every_part_answers(whole):
    whole.heartbeats.beat("worker")

    answer = TestClient(create_app(whole)).get("/ready")

    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert [part["name"] for part in answer.json()["parts"]] == [
        "database",
        "forge",
        "hub",
        "worker",
        "gateway",
        "disk",
    ]


def test_not_ready_says_in_words_what_does_not_answer(home, make_settings):
    nowhere = f"http://127.0.0.1:{free_port()}"
    workspace = open_workspace(
        make_settings(
            home,
            forge=ForgeSettings(url=nowhere),
            hub=HubSettings(api_url=nowhere, token=SecretStr("x")),
            alphagenome=AlphaGenomeSettings(port=free_port()),
        )
    )

    answer = TestClient(create_app(workspace)).get("/ready")

    words = {part["name"]: part["detail"] for part in answer.json()["parts"] if not part["ok"]}
    assert answer.status_code == 503
    assert set(words) == {"forge", "hub", "worker", "gateway"}
    assert nowhere in words["forge"]
    assert "No worker was ever seen" in words["worker"]


def test_a_worker_that_fell_silent_is_missed(whole, monkeypatch):
    whole.heartbeats.beat("worker")
    monkeypatch.setattr("time.time", lambda: now().timestamp() + 3600)

    worker = next(part for part in examine(whole) if part.name == "worker")

    assert not worker.ok
    assert "last seen 3" in worker.detail


def test_a_database_without_tables_is_missed(tmp_path, make_settings):
    parts = examine(open_workspace(make_settings(tmp_path)))

    assert "database" in {part.name for part in parts if not part.ok}


def test_a_full_disk_is_told_with_its_figure(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 512 * 1024**2}))

    assert "Only 0.50 GiB are free" in disk_trouble(tmp_path)


def figures(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Read Prometheus' text into {(name, label values): value}."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_runs_queue_environments_and_sessions(visitor, workspace):
    ben = workspace.people.get("ben")
    with workspace.database.write() as session:
        owner = session.execute(User.__table__.select().where(User.name == ben.name)).one()
        session.add(Environment(key="e1", files={}, state="failed", wanted_at=now()))
        session.add(Project(id=1, forge_id=1, namespace="a", name="b", visibility="public", seen_at=now()))
        session.flush()
        for number, state in enumerate(("queued", "queued", "running")):
            session.add(
                Run(
                    id=f"r{number}",
                    owner_id=owner.id,
                    project_id=1,
                    commit="c",
                    notebook="n.ipynb",
                    title="",
                    parameters={},
                    environment_key="e1",
                    backend="offline",
                    limits={},
                    notebook_sha256="",
                    worksheet_title="",
                    schema={},
                    cache_key="k",
                    state=state,
                    requested_at=now() - dt.timedelta(minutes=number + 1),
                )
            )

        for number, state in enumerate(("running", "running", "waiting", "stopped")):
            session.add(
                WorkSession(
                    id=f"s{number}",
                    owner_id=owner.id,
                    project="a/b",
                    kind="lab",
                    server=f"l-{number}",
                    state=state,
                    opened_at=now(),
                )
            )

    read = figures(visitor.get("/metrics").text)

    assert [read["labfork_sessions", (state,)] for state in ("running", "waiting", "starting")] == [2, 1, 0]
    assert ("labfork_sessions", ("stopped",)) not in read
    assert read["labfork_runs", ("queued",)] == 2
    assert read["labfork_runs", ("running",)] == 1
    assert read["labfork_runs", ("failed",)] == 0
    assert read["labfork_queue_length", ()] == 2
    assert 120 <= read["labfork_queue_age_seconds", ()] < 150
    assert read["labfork_environments", ("failed",)] == 1


def test_metrics_count_requests_by_the_pattern_of_their_route(visitor):
    for key in ("abc", "def"):
        visitor.get(f"/api/v1/environments/{key}")
    visitor.get("/no/such/thing")

    read = figures(visitor.get("/metrics").text)

    assert read["labfork_http_requests_total", ("GET", "/api/v1/environments/{key}", "404")] == 2
    assert read["labfork_http_requests_total", ("GET", "none", "404")] == 1
    assert read["labfork_http_request_seconds_count", ("GET", "/api/v1/environments/{key}")] == 2
    assert not [key for key in read if "abc" in str(key)]


def test_two_workspaces_in_one_process_count_apart(app, workspace):
    other = TestClient(create_app(workspace))
    TestClient(app).get("/health")

    assert ("labfork_http_requests_total", ("GET", "/health", "200")) not in figures(
        other.get("/metrics").text
    )


def test_the_documentation_page_names_every_call_and_no_other_host(visitor, app):
    page = visitor.get("/api/docs")
    calls = [
        f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods
    ]

    assert page.status_code == 200
    assert [call for call in calls if call not in page.text] == []
    assert re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page.text) == []
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_the_description_is_openapi(visitor):
    assert visitor.get("/api/v1/openapi.json").json()["openapi"].startswith("3.")


def test_every_call_is_described_with_its_problem_document_and_its_token(visitor):
    document = visitor.get("/api/v1/openapi.json").json()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert [name for name, it in operations.items() if "default" not in it["responses"]] == []
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert operations["GET /api/v1/tokens"]["security"] == [{"token": []}]
    assert [name for name, it in operations.items() if not it.get("description")] == []
