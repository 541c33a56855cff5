"""Errors as problem documents, and as pages for browsers."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from workspace_api.app import create_app
from workspace_api.errors import ConflictError


@pytest.fixture
def breaking(app):
    """The application with a route that nobody wrote well, and one that refuses."""

    @app.get("/api/v1/broken")
    def broken():
        raise RuntimeError("the secret is 42")

    @app.get("/refusing")
    def refusing():
        raise ConflictError("It is <busy>.")

    return TestClient(app)


def test_an_error_of_a_service_is_a_problem_document(breaking):
    answer = breaking.get("/refusing")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not possible in this state",
        "status": 409,
        "detail": "It is <busy>.",
        "request_id": answer.headers["x-request-id"],
    }


def test_an_error_nobody_foresaw_tells_its_mark_and_nothing_else(breaking, caplog):
    with caplog.at_level(logging.ERROR):
        answer = breaking.get("/api/v1/broken")

    mark = answer.json()["request_id"]
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert mark in answer.json()["detail"]
    assert mark in caplog.text
    assert "the secret is 42" in caplog.text
    assert answer.headers["content-security-policy"]


def test_a_full_disk_is_told_as_such(app, workspace):
    @app.get("/api/v1/filling")
    def filling():
        with workspace.database.write() as session:
            session.execute(text("PRAGMA max_page_count = 1"))
            session.execute(text("CREATE TABLE filler AS SELECT randomblob(1000000) AS bytes"))

    answer = TestClient(app).get("/api/v1/filling")

    assert answer.status_code == 503
    assert "database or disk is full" in answer.json()["detail"]


def test_what_is_not_there_is_named(visitor):
    answer = visitor.get("/api/v1/nothing-here")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "There is nothing at /api/v1/nothing-here."


def test_a_method_that_is_not_possible_is_named(visitor):
    answer = visitor.delete("/api/v1/me")

    assert answer.status_code == 405
    assert "DELETE is not possible here" in answer.json()["detail"]
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("body", [b"{not json", b"\xff\xfe", b""])
def test_a_body_that_cannot_be_read_is_refused(client_of, body):
    answer = client_of("ben").post(
        "/api/v1/tokens", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=101", "per_page=-1"])
def test_a_page_that_cannot_be_is_refused_beside_its_name(client_of, query):
    answer = client_of("ada").get(f"/api/v1/people?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [query.split("=")[0]]


def test_a_password_that_is_refused_is_not_repeated(client_of):
    answer = client_of("ada").post("/api/v1/people", json={"name": "kim", "password": ["hunter2!"]})

    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.fixture
def with_pages(workspace):
    """A browser at an application that renders its problems as pages."""

    def render(request, problem):
        return HTMLResponse(f"<h1>{problem.title}</h1><p>{problem.request_id}</p>", problem.status)

    return TestClient(create_app(workspace, render_problem=render))


def test_a_browser_is_shown_a_page(with_pages):
    answer = with_pages.get("/no/such/page", headers={"Accept": "text/html,*/*"})

    assert answer.status_code == 404
    assert answer.text == f"<h1>Not Found</h1><p>{answer.headers['x-request-id']}</p>"


@pytest.mark.parametrize(
    ("path", "accept"), [("/no/such/page", "application/json"), ("/api/v1/none", "text/html")]
)
def test_a_program_and_the_api_are_given_the_document(with_pages, path, accept):
    answer = with_pages.get(path, headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_too_large_is_shown_as_a_page_too(with_pages):
    answer = with_pages.post("/logout", content=b"x" * 2_000_001, headers={"Accept": "text/html"})

    assert (answer.status_code, "Too large" in answer.text) == (413, True)


@pytest.mark.parametrize(
    "text", ['{"name": "\\ud800"}', '{"name": "\\u0000"}', '{"name": 1e999}', "[" * 100_000, '{"name": NaN}']
)
def test_text_that_no_table_could_keep_is_refused(client_of, text):
    answer = client_of("ben").post(
        "/api/v1/tokens", content=text, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("path", ["/api/v1/people/%00", "/api/v1/people/%ff", "/api/v1/people/" + "x" * 5000])
def test_an_address_that_no_account_could_have_is_refused(client_of, path):
    assert client_of("ada").patch(path, json={"level": "author"}).status_code in (404, 422)
