"""The frame around each request: size, headers, marks."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from workspace_api.security import CONTENT_SECURITY_POLICY

MEGABYTE = 1_000_000


def pieces(total: int):
    """Give `total` bytes in pieces, without announcing how many."""
    for _ in range(total // 100_000):
        yield b"x" * 100_000


def test_a_large_body_is_refused_before_it_is_read(client_of):
    answer = client_of("ben").post("/api/v1/tokens", json={"name": "x" * 10 * MEGABYTE})

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "larger than 2 MB" in answer.json()["detail"]


def test_a_large_body_that_was_not_announced_is_refused_while_it_comes(client_of):
    answer = client_of("ben").post(
        "/api/v1/tokens", content=pieces(3 * MEGABYTE), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413
    assert answer.json()["title"] == "Too large"


@pytest.mark.parametrize("announced", ["-1", "much", ""])
def test_a_false_announcement_does_not_get_a_large_body_in(client_of, announced):
    answer = client_of("ben").post(
        "/api/v1/tokens",
        content=pieces(3 * MEGABYTE),
        headers={"Content-Type": "application/json", "Content-Length": announced},
    )

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/health", "/api/v1/me", "/api/docs", "/nothing"])
def test_head_is_answered_as_get_without_the_body(visitor, path):
    got, asked = visitor.get(path), visitor.head(path)

    assert asked.status_code == got.status_code
    assert asked.headers["content-type"] == got.headers["content-type"]
    assert not asked.content


def test_every_answer_carries_the_security_headers(visitor):
    for path in ("/health", "/api/v1/me", "/api/docs", "/api/v1/nothing", "/login?next=//evil.example"):
        headers = visitor.get(path, follow_redirects=False).headers

        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert len(headers["x-request-id"]) == 16


def test_a_route_may_set_a_policy_of_its_own(app):
    @app.get("/report")
    def report():
        return PlainTextResponse("a report", headers={"Content-Security-Policy": "sandbox"})

    assert TestClient(app).get("/report").headers.get_list("content-security-policy") == ["sandbox"]


def test_every_request_has_a_mark_of_its_own(visitor):
    marks = {visitor.get("/health").headers["x-request-id"] for _ in range(5)}

    assert len(marks) == 5


def test_no_cache_keeps_what_the_api_answers(client_of, visitor):
    made = client_of("ben").post("/api/v1/tokens", json={"name": "x"})

    assert made.headers["cache-control"] == "no-store"
    assert "cache-control" not in visitor.get("/health").headers
