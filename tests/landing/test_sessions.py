"""Pages of sessions: sizes to choose from, the line, what a session uses and why it ended."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import select

from auth.identity import Level
from hub.usage import servers_folder
from tests.landing.conftest import PROJECT
from tests.landing.reading import Page, send
from workspace_api.database import now
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession

LIMITS = {"title": "Small", "cpus": 1, "memory_bytes": 2 * 1024**3, "processes": 99, "hours": 8, "gpu": False}
USED = {"memory_bytes": 314_572_800, "peak_memory_bytes": 629_145_600, "cpus": 0.5, "cpu_seconds": 75.0}


@pytest.fixture
def session(house):
    """Makes a session as it stands in the table; JupyterHub does not answer in this house."""
    made: list[str] = []

    def make(user: str, state: SessionState, **values) -> str:
        made.append(os.urandom(8).hex())
        with house.workspace.database.write() as database:
            row = WorkSession(
                id=made[-1],
                owner=database.scalars(select(User).where(User.name == user)).one(),
                project=PROJECT,
                kind="lab",
                server=f"l-{made[-1][:8]}",
                size="small",
                limits=LIMITS,
                state=state,
                opened_at=now(),
                started_at=now(),
                **values,
            )
            database.add(row)
        return made[-1]

    yield make
    with house.workspace.database.write() as database:
        for each in made:
            database.delete(database.get(WorkSession, each))


def test_open_offers_the_sizes_and_chooses_the_one_taken_last(house, session):
    identity, browser = house.person(Level.AUTHOR)
    offered = [size.name for size in house.workspace.sessions.choice.offered(identity)]
    page = Page(browser.get(f"/projects/{PROJECT}").text)
    options = {option["value"]: "selected" in option for option in page.all("option")}
    assert list(options) == offered
    assert options["standard"]

    session(identity.user, SessionState.STOPPED, ended_at=now())
    page = Page(browser.get(f"/projects/{PROJECT}").text)
    assert {option["value"] for option in page.all("option") if "selected" in option} == {"small"}


def test_a_size_that_is_none_is_refused_in_words(house):
    _, browser = house.person(Level.AUTHOR)
    page = f"/projects/{PROJECT}"
    answer = send(browser, page, f"{page}/open", kind="lab", size="<b>huge")

    assert answer.status_code == 422
    assert "There is no size “<b>huge”; choose from" in Page(answer.text).text
    assert Page(answer.text).active() == []


def test_my_work_shows_what_a_session_uses(house, session):
    identity, browser = house.person(Level.AUTHOR)
    control = os.urandom(4).hex()
    folder = servers_folder(house.workspace.settings.home) / control
    folder.mkdir(parents=True)
    (folder / "usage.json").write_text(json.dumps(USED))
    made = session(identity.user, SessionState.RUNNING, control=control, folder="projects/alphagenome")
    page = Page(browser.get("/me").text)

    assert "Memory 300 MiB of 2 GiB · peak 600 MiB" in page.text
    assert "Processors 0.5 of 1 · 75 s of work so far" in page.text
    assert page.one("meter", **{"data-bar": "memory"})["value"] == "314572800"
    its_own = Page(browser.get(f"/sessions/{made}").text)
    assert "It reaches this workspace, AlphaGenome, and nothing else." in its_own.text
    assert f"/sessions/{made}/stop" in page.actions()
    assert page.active() == []


def test_one_that_waits_says_its_number_and_is_left_in_one_step(house, session):
    identity, browser = house.person(Level.AUTHOR)
    made = session(identity.user, SessionState.WAITING, step="Asking for a place")
    page = Page(browser.get(f"/sessions/{made}").text)
    assert "There is a place for you" in page.text
    assert "1 processor, 2 GiB of memory, 8 hours at most" in page.text
    assert "aria-current" in page.one("li", **{"data-name": "Asking for a place"})

    assert send(browser, "/me", f"/sessions/{made}/stop").headers["location"] == "/me"
    assert house.workspace.sessions.get(identity, made).state == "stopped"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"ended_because": "It ended because it was not used for 2 hours."},
            "not used for 2 hours. That was",
        ),
        ({}, "It ended just now. Your files stay"),
    ],
)
def test_the_page_of_one_that_ended_says_why(house, session, values, words):
    identity, browser = house.person(Level.AUTHOR)
    made = session(identity.user, SessionState.STOPPED, ended_at=now(), **values)

    assert words in Page(browser.get(f"/sessions/{made}").text).text


def test_the_page_of_one_whose_environment_failed_has_the_log_of_the_build(house, session):
    identity, browser = house.person(Level.AUTHOR)
    key = house.key_of(house.publish({"README.md": "# About"}))
    log = house.workspace.environments.log_path(key)
    log.parent.mkdir(exist_ok=True)
    log.write_text("Resolving\n<b>no such package</b>\n")
    house.bench.environment(key, state="failed", error="line 1", finished_at=now())
    made = session(identity.user, SessionState.FAILED, error="line 1", environment_key=key, ended_at=now())
    page = Page(browser.get(f"/sessions/{made}").text)

    assert "<b>no such package</b>" in page.text
    assert page.all("a", href=f"/environments/{key}")
    assert "Try again" in page.text
    assert "Open without its packages" in page.text
    assert page.one("input", name="without_packages")["value"] == "1"
    assert page.active() == []


def test_administrators_see_and_end_the_sessions_of_everybody_and_nobody_else_does(house, session):
    owner, browser = house.person(Level.AUTHOR)
    _, administrator = house.person(Level.DEVELOPER, admin=True)
    made = session(owner.user, SessionState.WAITING)
    assert browser.get("/admin/sessions").status_code == 403
    assert browser.get("/api/v1/sessions?everybody=true").status_code == 403
    assert house.visitor().get("/admin/sessions").status_code == 401

    page = Page(administrator.get("/admin/sessions").text)
    assert owner.user in page.text
    answer = send(administrator, "/admin/sessions", f"/sessions/{made}/stop", back="/admin/sessions")
    assert answer.headers["location"] == "/admin/sessions"
    assert "An administrator ended it." in Page(browser.get(f"/sessions/{made}").text).text


def test_after_a_stop_nobody_is_led_elsewhere(house, session):
    identity, browser = house.person(Level.AUTHOR)
    made = session(identity.user, SessionState.WAITING)
    answer = send(browser, "/me", f"/sessions/{made}/stop", back="//evil.example")

    assert answer.headers["location"] == "/me"


@pytest.mark.parametrize(
    ("rest", "page"),
    [
        (
            "lab/tree/projects/alphagenome/notebooks/a%20%26%20b.ipynb",
            "?go=1&path=notebooks/a%20%26%20b.ipynb",
        ),
        ("lab/tree/projects/alphagenome", "?go=1"),
        ("lab/tree/projects/alphagenome-2/a.ipynb", "?go=1"),
        ("voila/tree", "?go=1"),
    ],
)
@pytest.mark.parametrize("at", ["/user", "/absent"])
def test_a_server_that_the_proxy_does_not_know_yet_leads_back_to_the_same_file(
    house, session, at, rest, page
):
    identity, browser = house.person(Level.AUTHOR)
    running = session(identity.user, SessionState.RUNNING, folder="projects/alphagenome")
    answer = browser.get(f"{at}/{identity.user}/l-{running[:8]}/{rest}")

    assert answer.headers["location"] == f"/sessions/{running}{page}"
    _, other = house.person(Level.AUTHOR)
    assert other.get(f"{at}/{identity.user}/l-{running[:8]}/lab").status_code == 404
