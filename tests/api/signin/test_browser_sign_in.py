"""A browser signs in through JupyterHub, and out again."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

PASSWORD = "correct horse battery"


def log_in(browser: httpx.Client, name: str, password: str, *, page: str = "/api/v1/me") -> httpx.Response:
    """Do what a person does: open a page that asks to sign in, fill the form in, send it."""
    form = browser.get("/login", params={"next": page})
    assert urlsplit(str(form.url)).path == "/hub/login"
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
    action = re.search(r'action="([^"]*/hub/login[^"]*)"', form.text)[1].replace("&amp;", "&")
    return browser.post(action, data={"_xsrf": xsrf, "username": name, "password": password})


def new_hub_token(browser: httpx.Client, world, name: str, **more) -> str:
    """Make a token as the page /hub/token does."""
    page = browser.get("/hub/token")
    xsrf = re.search(r'xsrf_token: "([^"]+)"', page.text)[1]
    made = browser.post(
        f"/hub/api/users/{name}/tokens",
        json={"note": "script", **more},
        headers={"X-XSRFToken": xsrf, "Referer": f"{world.url}/hub/token"},
    )
    return made.json()["token"]


def wait_until(condition) -> None:
    """Poll `condition` for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def test_the_right_password_ends_on_the_page_that_was_asked_for(world):
    with world.browser() as browser:
        arrived = log_in(browser, "ben", PASSWORD)

        assert (arrived.status_code, urlsplit(str(arrived.url)).path) == (200, "/api/v1/me")
        assert arrived.json()["name"] == "ben"
        assert browser.get("/api/v1/me").json()["level"] == "author"


def test_the_name_may_be_typed_in_capitals_with_spaces(world):
    with world.browser() as browser:
        assert log_in(browser, " ADA ", PASSWORD).json()["name"] == "ada"


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(world):
    with world.browser() as browser:
        arrived = log_in(browser, "ben", PASSWORD)
        set_by_callback = arrived.history[-1].headers.get_list("set-cookie")

    session = next(cookie for cookie in set_by_callback if "labfork-session" in cookie)
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Max-Age=43200" in session
    assert "ben" not in session


@pytest.mark.parametrize(("name", "password"), [("ben", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_password_stays_on_the_sign_in_page(world, name, password):
    with world.browser() as browser:
        answer = log_in(browser, name, password)

        assert answer.status_code == 403
        assert "Invalid username or password" in answer.text
        assert browser.get("/api/v1/me").json()["name"] is None


def test_a_closed_account_does_not_sign_in_and_its_session_ends(world):
    with world.browser() as browser, world.browser() as other:
        assert log_in(browser, "eve", PASSWORD).json()["name"] == "eve"
        world.workspace.people.disable("eve")
        try:
            assert browser.get("/api/v1/me").json()["name"] is None
            refused_by_us = browser.get("/login")
            refused_by_hub = log_in(other, "eve", PASSWORD)
        finally:
            world.workspace.people.disable("eve", False)

    assert refused_by_us.status_code == 403
    assert "no open account" in refused_by_us.json()["detail"]
    assert (refused_by_hub.status_code, "Invalid username" in refused_by_hub.text) == (403, True)


def test_the_hubs_own_session_ends_with_the_account(world):
    world.workspace.people.add("lou", password=PASSWORD)
    with world.browser() as browser:
        log_in(browser, "lou", PASSWORD)
        token = new_hub_token(browser, world, "lou")
        at_hub = {"Authorization": f"token {token}"}
        assert httpx.get(f"{world.hub_api}/user", headers=at_hub).status_code == 200
        world.workspace.people.disable("lou")

        wait_until(lambda: urlsplit(str(browser.get("/hub/token").url)).path == "/hub/login")
        wait_until(lambda: httpx.get(f"{world.hub_api}/user", headers=at_hub).status_code == 403)


def test_after_too_many_failures_the_page_says_how_long_to_wait(world):
    world.workspace.people.add("kim", password=PASSWORD)
    with world.browser() as browser:
        for _ in range(10):
            assert log_in(browser, "kim", "wrong password").status_code == 403

        answer = log_in(browser, "kim", PASSWORD)

    assert answer.status_code == 429
    assert "Wait 10 minutes" in answer.text
    assert 'name="password"' in answer.text


def test_without_the_web_service_the_sign_in_page_says_so(world):
    with world.browser() as browser:
        form = browser.get("/hub/login")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
        world.web.stop()
        try:
            answer = browser.post("/hub/login", data={"_xsrf": xsrf, "username": "ben", "password": PASSWORD})
        finally:
            world.web.start()

    assert answer.status_code == 503
    assert "The workspace does not answer" in answer.text
    assert "Traceback" not in answer.text


def test_signing_out_ends_both_sessions(world):
    with world.browser() as browser:
        log_in(browser, "ben", PASSWORD)

        left = browser.post("/logout", data={"csrf": browser.get("/csrf").json()})

        assert urlsplit(str(left.url)).path == "/hub/login"
        assert browser.get("/api/v1/me").json()["name"] is None
        assert urlsplit(str(browser.get("/login").url)).path == "/hub/login"


def test_signing_out_needs_the_pages_token(world):
    with world.browser() as browser:
        log_in(browser, "ben", PASSWORD)

        assert browser.post("/logout", data={"csrf": "x"}).status_code == 403
        assert browser.get("/api/v1/me").json()["name"] == "ben"


def test_whoever_is_signed_in_goes_straight_on(world):
    with world.browser() as browser:
        log_in(browser, "ben", PASSWORD)

        answer = browser.get("/login", params={"next": "/health"})

    assert [step.status_code for step in answer.history] == [303]
    assert answer.json() == {"status": "alive"}


def test_a_sign_in_that_another_browser_began_is_refused(world):
    with world.browser() as attacker, world.browser() as victim:
        attacker.follow_redirects = False
        begun = attacker.get("/login")
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
        log_in(victim, "ben", PASSWORD)

        without_cookie = world.browser().get("/oauth_callback", params={"code": "x", "state": state})
        victim.follow_redirects = False
        victim.cookies.clear()
        victim.get("/login")
        other_state = victim.get("/oauth_callback", params={"code": "x", "state": state})

    assert (without_cookie.status_code, "another browser" in without_cookie.json()["detail"]) == (400, True)
    assert (other_state.status_code, "not begun by this browser" in other_state.json()["detail"]) == (
        403,
        True,
    )


def test_a_code_that_the_hub_never_gave_is_refused(world):
    with world.browser() as browser:
        browser.follow_redirects = False
        begun = browser.get("/login")
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]

        answer = browser.get("/oauth_callback", params={"code": "invented", "state": state})

    assert (answer.status_code, "Sign in again" in answer.json()["detail"]) == (403, True)


def test_a_sign_in_that_was_broken_off_says_so(world):
    answer = world.browser().get("/oauth_callback", params={"error": "access_denied"})

    assert (answer.status_code, "access_denied" in answer.json()["detail"]) == (403, True)


def test_a_jupyterhub_token_of_a_person_is_accepted(world):
    with world.browser() as browser:
        log_in(browser, "ben", PASSWORD)
        whole = new_hub_token(browser, world, "ben")
        narrow = new_hub_token(browser, world, "ben", scopes=["read:users:name!user=ben"])

    def me(token: str) -> httpx.Response:
        with world.browser() as program:
            return program.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert me(whole).json()["name"] == "ben"
    assert me(narrow).status_code == 401
    assert me("0123456789abcdef0123456789abcdef").status_code == 401
    assert me("an invented token").status_code == 401
