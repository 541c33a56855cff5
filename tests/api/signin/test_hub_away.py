"""Signing in while JupyterHub is not there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from workspace_api.app import create_app
from workspace_api.settings import HubSettings
from workspace_api.workspace import open_workspace


@pytest.fixture
def browser(home, make_settings):
    """A browser at a workspace whose hub does not answer."""
    hub = HubSettings(api_url="http://127.0.0.1:9/hub/api", token=SecretStr("x"))
    workspace = open_workspace(make_settings(home, hub=hub))
    yield TestClient(create_app(workspace), base_url="http://testserver", follow_redirects=False)
    workspace.close()


def test_leaving_for_the_hub_takes_pkce_and_a_state_along(browser):
    left = browser.get("/login?next=/runs/abc")

    address = urlsplit(left.headers["location"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (left.status_code, address.path) == (303, "/hub/api/oauth2/authorize")
    assert query["redirect_uri"] == "http://testserver/oauth_callback"
    assert query["client_id"] == "service-web"
    assert query["code_challenge_method"] == "S256"
    assert len(query["state"]) == 32
    assert query["state"] not in left.headers["set-cookie"]


def test_coming_back_says_that_the_hub_does_not_answer(browser):
    left = browser.get("/login")
    state = parse_qs(urlsplit(left.headers["location"]).query)["state"][0]

    answer = browser.get("/oauth_callback", params={"code": "x", "state": state})

    assert answer.status_code == 503
    assert "http://127.0.0.1:9/hub/api does not answer" in answer.json()["detail"]


def test_a_workspace_without_a_hub_says_so(visitor):
    assert visitor.get("/login").status_code == 503


@pytest.mark.parametrize("page", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere(browser, page):
    answer = browser.get("/login", params={"next": page})

    assert answer.status_code == 400
    assert "location" not in answer.headers
