"""Pages and sessions, each at its own origin."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from workspace_api.app import create_app
from workspace_api.security import CONTENT_SECURITY_POLICY
from workspace_api.workspace import open_workspace

PAGES, SESSIONS = "https://lab.example", "https://s.example"


@pytest.fixture
def browser(home, make_settings):
    """A browser of a workspace with two addresses, which follows no redirect."""
    workspace = open_workspace(make_settings(home, public_url=PAGES, sessions_url=SESSIONS))
    with TestClient(create_app(workspace), base_url=PAGES, follow_redirects=False) as client:
        yield client
    workspace.close()


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        (f"{PAGES}/user/ada/l-1/lab?reset", f"{SESSIONS}/user/ada/l-1/lab?reset"),
        (f"{SESSIONS}/user/ada/l-1/lab/tree/a%20b.ipynb", f"{PAGES}/absent/ada/l-1/lab/tree/a%20b.ipynb"),
        (f"{SESSIONS}/user/ada/l-1/lab?reset", f"{PAGES}/absent/ada/l-1/lab?reset"),
        (
            f"{SESSIONS}/projects/genomics/alphagenome?ref=v1.0",
            f"{PAGES}/projects/genomics/alphagenome?ref=v1.0",
        ),
        (f"{SESSIONS}/api/v1/me", f"{PAGES}/api/v1/me"),
        (f"{SESSIONS}/", f"{PAGES}/"),
        (f"{SESSIONS}//evil.example/", f"{PAGES}//evil.example/"),
        ("https://S.EXAMPLE:443/me", f"{PAGES}/me"),
    ],
)
def test_each_address_leads_to_the_other_for_what_is_there(browser, asked, leads_to):
    answer = browser.get(asked)

    assert (answer.status_code, answer.headers["location"]) == (307, leads_to)
    assert "set-cookie" not in answer.headers


def test_nothing_is_changed_at_the_sessions_address(browser):
    answer = browser.post(f"{SESSIONS}/api/v1/runs", json={})

    assert answer.status_code == 421
    assert PAGES in answer.text


def test_pages_are_at_their_address_by_whatever_other_name_it_has(browser):
    assert browser.get(f"{PAGES}/health").status_code == 200
    assert browser.get("http://127.0.0.1:8000/health").status_code == 200


def test_a_form_of_a_page_may_lead_to_a_session(browser):
    policy = browser.get(f"{PAGES}/health").headers["content-security-policy"]

    assert policy == CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {SESSIONS}")
