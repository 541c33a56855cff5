"""Who is calling: tokens, sessions, visitors, and requests that other sites make."""

from __future__ import annotations

import pytest
from fastapi import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from workspace_api.http import Caller, csrf_token

ORIGIN = "http://testserver"


@pytest.fixture
def browser(app):
    """A browser, and routes that show what they know of it and change something for it."""

    @app.get("/seen")
    def seen(request: Request, caller: Caller):
        return {"user": caller.user, "visitor": caller.visitor, "csrf": csrf_token(request)}

    @app.post("/changed")
    def changed(caller: Caller):
        return {"user": caller.user}

    return TestClient(app, base_url=ORIGIN)


def sign_in(browser: TestClient, name: str) -> None:
    """Give the browser the session cookie that a finished sign-in leaves."""
    response = Response()
    browser.app.state.cookies.start_session(response, name)
    pair = response.headers["set-cookie"].split(";")[0].split("=", 1)
    browser.cookies.set(*pair, domain="testserver.local")


def test_a_visitor_keeps_one_id(browser):
    first = browser.get("/seen")
    cookie = first.headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/seen").json()["visitor"] == first.json()["visitor"]
    assert "set-cookie" not in browser.get("/seen").headers


@pytest.mark.parametrize("path", ["/health", "/metrics", "/api/docs", "/api/v1/openapi.json"])
def test_what_concerns_nobody_sets_no_cookie(browser, path):
    assert "set-cookie" not in browser.get(path).headers


@pytest.mark.parametrize("junk", ["", "short", "x" * 31, "x" * 33, "../../../../../../etc/passwd/////"])
def test_a_visitor_id_that_is_not_ours_is_replaced(browser, app, junk):
    browser.cookies.set(app.state.cookies.visitor_name, junk)

    assert browser.get("/seen").json()["visitor"] != junk


def test_a_session_is_the_person_until_the_account_is_closed(browser, workspace):
    sign_in(browser, "ben")
    assert browser.get("/api/v1/me").json()["name"] == "ben"

    workspace.people.disable("ben")

    assert browser.get("/api/v1/me").json()["name"] is None


def test_a_signed_in_person_keeps_what_they_did_as_a_visitor(browser):
    before = browser.get("/seen").json()["visitor"]
    sign_in(browser, "ben")

    assert browser.get("/seen").json()["visitor"] == before


def test_a_changed_session_cookie_is_nobody(browser, app):
    browser.cookies.set(app.state.cookies.session_name, "gAAAAABchanged")

    assert browser.get("/api/v1/me").json()["name"] is None


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer lf_unknown", "unknown, expired or revoked"),
        ("Bearer hubtoken", "unknown, expired or revoked"),
        ("Bearer", "cannot be read"),
        ("Basic YTpi", "cannot be read"),
        ("Bearer ü", "unknown, expired or revoked"),
    ],
)
def test_a_bad_token_is_refused_even_where_visitors_may_go(visitor, header, words):
    answer = visitor.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert words in answer.json()["detail"]


def test_a_reading_token_changes_nothing(client_of):
    reader = client_of("ben", "read_api")

    assert reader.get("/api/v1/tokens").status_code == 200
    answer = reader.post("/api/v1/tokens", json={"name": "x"})
    assert (answer.status_code, "needs api" in answer.json()["detail"]) == (403, True)


def test_a_gateway_token_does_nothing_here(client_of):
    answer = client_of("ben", "alphagenome").get("/api/v1/me")

    assert answer.status_code == 403
    assert "alphagenome" in answer.json()["detail"]


def test_a_token_needs_no_csrf_header_and_wins_over_cookies(browser, workspace):
    sign_in(browser, "ada")
    secret = workspace.tokens.create("ben", "x", frozenset({"api"})).secret

    answer = browser.post(
        "/changed", headers={"Authorization": f"Bearer {secret}", "Origin": "https://evil.example"}
    )

    assert answer.json() == {"user": "ben"}


@pytest.mark.parametrize("how", ["header", "form"])
def test_a_signed_in_browser_changes_with_its_token(browser, how):
    sign_in(browser, "ben")
    token = browser.get("/seen").json()["csrf"]

    if how == "header":
        answer = browser.post("/changed", headers={"X-CSRF-Token": token})
    else:
        answer = browser.post("/changed", data={"csrf": token})

    assert (answer.status_code, answer.json()) == (200, {"user": "ben"})


@pytest.mark.parametrize("content", [{"json": {}}, {"data": {"a": "b"}}, {}])
def test_a_signed_in_browser_changes_nothing_without_it(browser, content):
    sign_in(browser, "ben")

    answer = browser.post("/changed", **content)

    assert answer.status_code == 403
    assert "Load the page again" in answer.json()["detail"]


def test_the_token_of_another_session_is_worthless(browser):
    visitors = browser.get("/seen").json()["csrf"]
    sign_in(browser, "ben")
    first = browser.get("/seen").json()["csrf"]
    sign_in(browser, "ben")

    assert len({visitors, first, browser.get("/seen").json()["csrf"]}) == 3
    for stale in (visitors, first):
        assert browser.post("/changed", headers={"X-CSRF-Token": stale}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
def test_a_request_of_another_site_is_refused_whatever_it_carries(browser, headers):
    token = browser.get("/seen").json()["csrf"]

    answer = browser.post("/changed", headers={"X-CSRF-Token": token, **headers})

    assert (answer.status_code, "another site" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}, {}])
def test_a_visitors_program_needs_no_token(browser, headers):
    browser.get("/seen")

    assert browser.post("/changed", json={}, headers=headers).status_code == 200
    assert browser.post("/changed", headers=headers).status_code == 200


def test_a_visitors_form_carries_the_token(browser):
    token = browser.get("/seen").json()["csrf"]

    assert browser.post("/changed", data={"x": "1"}).status_code == 403
    assert browser.post("/changed", data={"x": "1", "csrf": token}).status_code == 200
