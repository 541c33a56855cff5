"""AlphaGenome's pages and their API: use, quotas, terms, keys, and who shares the workspace's."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.accessibility import served, shut_out
from tests.landing.conftest import application, signed_in
from workspace_api.alphagenome.bookkeeping import Entry, Page
from workspace_api.alphagenome.models import AlphaGenomeKey
from workspace_api.alphagenome.quotas import Amounts
from workspace_api.alphagenome.terms import POINTS, SHARING_POINTS, VERSION
from workspace_api.alphagenome.usage_logs import UsageLogs
from workspace_api.database import now
from workspace_api.settings import AlphaGenomeSettings

MINE, ALL = "/me/alphagenome", "/admin/alphagenome"
API = "/api/v1/alphagenome"
OWN_KEY = "AIza-not-a-real-key-0123"
REAL = AlphaGenomeSettings(backend="alphagenome", shared_key=True)


def use(workspace, user: str = "eve", *, calls: int = 3, cached: int = 2, prefix: str = "") -> None:
    """Put down what somebody used today, as the gateway does."""
    with workspace.database.write() as session:
        page = Page(session.connection(), now())
        for at in range(calls):
            page.count(user, Amounts(1, 32_768, 1), page.moment)
            page.insert(entry(user, f"{prefix}{user}{at}"))
        page.count(user, Amounts(), page.moment, cached=cached)
        page.write()


def entry(user: str, number: str) -> Entry:
    return Entry(
        number, now(), user, "1", "run1", "synthetic", "PredictVariant", "chr22:36201698:A>C", "DNASE", 0,
        "k" * 64, "model", "OK", 32_768, 1, 1000, 12,
    )  # fmt: skip


def log_of(workspace, user: str = "eve") -> Path:
    """Return where somebody's usage log is kept, in a home that is there."""
    person = workspace.people.get(user)
    return workspace.layout.ensure_home(user, person.uid, person.uid) / "api_usage.log"


@pytest.fixture
def ada(sign_in):
    """The browser of the administrator ada."""
    return sign_in("ada")


@pytest.fixture
def real(make_workspace):
    """A workspace before the real service, with a key to share."""
    return make_workspace(alphagenome=REAL)


@pytest.fixture
def real_eve(real):
    return signed_in(application(real), "eve")


@pytest.fixture
def real_ada(real):
    return signed_in(application(real), "ada")


def send(browser, path: str, page: str = MINE, **values):
    """Send a form of a page."""
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get(page).text)[1]
    return browser.post(path, data={"csrf": token, **values})


def asked(browser, method: str, path: str, **body):
    """Ask the API as the page's scripts do."""
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get(MINE).text)[1]
    headers = {"X-CSRF-Token": token}
    return browser.request(method, API + path, headers=headers, **({"json": body} if body else {}))


def test_a_person_sees_what_they_used_as_figures_and_as_a_chart(workspace, eve):
    use(workspace)
    page = eve.get(MINE).text

    assert "Today: 3 answered by the model, 2 kept or shared, 98,304 bases read." in page
    assert page.count("<rect") == 3 * 30
    assert f"{now().date()}: 3 by the model, 2 kept" in page


def test_the_api_says_the_same_and_what_is_left(workspace, eve, ada):
    use(workspace)
    asked(ada, "PUT", "/quotas/each/-/calls/day", amount=4)
    answer = eve.get(f"{API}/usage").json()

    assert answer["today"]["calls"] == 3
    assert len(answer["days"]) == 30
    (quota,) = answer["quotas"]
    assert (quota["used"], quota["remaining"], quota["near"]) == (3, 1, False)
    assert dt.datetime.fromisoformat(quota["resets_at"]).date() == now().date() + dt.timedelta(days=1)


def test_at_four_fifths_of_a_quota_the_page_and_the_api_warn(workspace, eve, ada):
    use(workspace, calls=4)
    asked(ada, "PUT", "/quotas/person/eve/calls/day", amount=5)

    assert "Little is left." in eve.get(MINE).text
    assert "4 of 5 calls a day" in eve.get(f"{API}/usage").json()["warnings"][0]


def test_the_log_is_a_file_with_a_line_for_each_call(workspace, eve):
    use(workspace)
    answer = eve.get(f"{API}/usage/log")
    head, *lines = answer.text.splitlines()

    assert "api_usage.log" in answer.headers["content-disposition"]
    assert head.split("\t")[:3] == ["time", "method", "subject"]
    assert len(lines) == 3
    assert lines[0].split("\t")[1:3] == ["PredictVariant", "chr22:36201698:A>C"]


def test_the_log_is_written_to_the_home_by_a_button_and_by_the_api(workspace, eve):
    log = log_of(workspace)
    use(workspace)
    answer = send(eve, f"{MINE}/log")
    assert answer.status_code == 303
    assert "Your log was written to" in eve.get(answer.headers["location"]).text
    assert log.read_text() == eve.get(f"{API}/usage/log").text

    use(workspace, calls=2, prefix="later")
    assert asked(eve, "POST", "/usage/log").json() == {"path": "~/api_usage.log"}
    assert len(log.read_text().splitlines()) == 6
    assert log.stat().st_uid == (workspace.people.get("eve").uid if os.geteuid() == 0 else os.geteuid())
    assert [path.name for path in log.parent.iterdir()] == ["api_usage.log"]


def test_the_logs_of_those_who_asked_lately_are_kept_by_themselves(workspace, eve):
    use(workspace)
    use(workspace, "public")
    use(workspace, "somebody-who-left")
    workspace.usage_logs.keep_all()

    assert len(log_of(workspace).read_text().splitlines()) == 4
    assert not log_of(workspace, "ada").exists()


def test_a_log_that_takes_long_to_write_is_written_less_often_and_not_forgotten(workspace, eve, monkeypatch):
    moments = itertools.count(0, 2)  # every look at the clock finds it two seconds later
    logs = UsageLogs(workspace.usage, workspace.people, workspace.layout, lambda: next(moments))
    log = log_of(workspace)
    use(workspace)
    logs.keep_all()
    assert len(log.read_text().splitlines()) == 4

    use(workspace, calls=2, prefix="later")
    logs.keep_all()
    assert len(log.read_text().splitlines()) == 4

    monkeypatch.setattr(workspace.usage, "asked_since", lambda _moment: [])
    for _ in range(60):
        logs.keep_all()
    assert len(log.read_text().splitlines()) == 6


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "a file of theirs"])
def test_what_else_has_the_name_of_the_log_is_left_alone(workspace, eve, ada, tmp_path, kind):
    log, target = log_of(workspace), tmp_path / "target"
    target.write_text("secret\n")
    make = {
        "link": lambda: log.symlink_to(target),
        "folder": log.mkdir,
        "pipe": lambda: os.mkfifo(log),
        "a file of theirs": lambda: log.write_text("my notes\n"),
    }
    make[kind]()
    use(workspace)
    use(workspace, "ada")
    refused = send(eve, f"{MINE}/log")
    workspace.usage_logs.keep_all()

    assert refused.status_code == 409
    assert "“api_usage.log” is something else" in refused.text
    assert target.read_text() == "secret\n"
    assert log.is_symlink() or not log.is_file() or log.read_text() == "my notes\n"
    assert log_of(workspace, "ada").is_file()


def test_a_token_that_only_reads_writes_nothing_into_the_home(workspace, eve):
    identity = workspace.people.identity_of("eve")
    secret = workspace.tokens.create_own(identity, "a script", ["read_api"]).secret
    eve.cookies.clear()
    headers = {"Authorization": f"Bearer {secret}"}

    assert eve.get(f"{API}/usage/log", headers=headers).status_code == 200
    assert eve.post(f"{API}/usage/log", headers=headers).status_code == 403
    assert not log_of(workspace).exists()


def test_the_log_is_the_callers_alone(workspace, eve, ada):
    use(workspace, "ada")

    assert len(eve.get(f"{API}/usage/log").text.splitlines()) == 1


def test_an_administrator_sees_everybodys_use(workspace, eve, ada):
    use(workspace)
    page = ada.get(ALL).text
    rows = {(row["kind"], row["name"]): row for row in ada.get(f"{API}/usage/everybody").json()["items"]}

    assert 'href="/admin/alphagenome?user=eve"' in page
    assert rows[("person", "eve")]["today"]["calls"] == rows[("workspace", "")]["month"]["calls"] == 3
    assert ada.get(f"{API}/usage/people/eve").json()["today"]["bases"] == 98_304
    assert "day by day" in ada.get(f"{ALL}?user=eve").text


@pytest.mark.parametrize("path", [ALL, f"{API}/usage/everybody", f"{API}/quotas", f"{API}/sharing"])
def test_nobody_else_does(eve, path):
    assert eve.get(path).status_code == 403


def test_a_visitor_is_asked_to_sign_in(visitor):
    assert visitor.get(f"{API}/usage").status_code == 401


def test_an_administrator_sets_and_removes_quotas_on_the_page(workspace, ada):
    values = {"kind": "person", "name": "eve", "measure": "bases", "window": "day", "amount": "1,000,000"}
    assert send(ada, f"{ALL}/quotas", ALL, **values).status_code == 303
    assert "1,000,000 bases a day" in ada.get(ALL).text
    send(ada, f"{ALL}/quotas/remove", ALL, **values)

    assert "None is set" in ada.get(ALL).text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "person", "name": "nobody"}, "no account called"),
        ({"kind": "group", "name": "nowhere"}, "no group called"),
        ({"kind": "person", "name": ""}, "Give the name"),
        ({"kind": "each", "name": "eve"}, "Give the name"),
        ({"amount": "many"}, "no whole number"),
        ({"amount": "-1"}, "no whole number"),
        ({"kind": "planet"}, "none of each, person"),
    ],
)
def test_a_quota_that_cannot_be_is_refused_beside_its_field(ada, values, words):
    typed = {"kind": "each", "name": "", "measure": "calls", "window": "day", "amount": "10", **values}
    answer = send(ada, f"{ALL}/quotas", ALL, **typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_before_the_real_service_the_terms_are_shown_and_their_acceptance_is_kept(real_eve):
    page = real_eve.get(MINE).text
    assert [point for point in POINTS if point not in page] == []
    assert "You cannot ask AlphaGenome yet." in page
    assert send(real_eve, f"{MINE}/terms").status_code == 303

    assert "You accepted them" in real_eve.get(MINE).text
    assert real_eve.get(f"{API}/terms").json()["accepted_at"]


def test_terms_are_accepted_in_the_version_that_was_read(real_eve):
    assert asked(real_eve, "POST", "/terms", version="an old one").status_code == 422
    assert asked(real_eve, "POST", "/terms", version=VERSION).json()["accepted_at"]


def test_the_workspaces_key_is_shared_once_an_administrator_confirms_every_point(real_eve, real_ada):
    send(real_eve, f"{MINE}/terms")
    assert real_eve.get(f"{API}/terms").json()["asks_with"] == "nothing"
    refused = send(real_ada, f"{ALL}/sharing", ALL, group="", point0="1")
    assert refused.status_code == 422
    assert "Tick every point" in refused.text
    points = {f"point{at}": "1" for at in range(len(SHARING_POINTS))}
    assert send(real_ada, f"{ALL}/sharing", ALL, group="", **points).status_code == 303

    assert "confirmed by ada" in real_ada.get(ALL).text
    assert real_eve.get(f"{API}/terms").json()["asks_with"] == "shared"
    assert asked(real_ada, "DELETE", "/sharing/everybody").status_code == 204
    assert "No administrator has confirmed" in real_eve.get(f"{API}/terms").json()["hindrance"]


def test_it_can_be_shared_with_one_group_alone(real, real_ada, real_eve):
    real.groups.add("genetics", admin="ada")
    asked(real_ada, "PUT", "/sharing/genetics", visitors=False)

    assert real_ada.get(f"{API}/terms").json()["asks_with"] == "shared"
    assert real_eve.get(f"{API}/terms").json()["asks_with"] == "nothing"
    assert asked(real_ada, "PUT", "/sharing/nowhere", visitors=False).status_code == 422
    assert asked(real_ada, "PUT", "/sharing/genetics", visitors=True).status_code == 422


def test_a_key_of_ones_own_is_kept_encrypted_and_never_shown(real, real_eve):
    assert send(real_eve, f"{MINE}/key", key=f" {OWN_KEY}\n").status_code == 303
    page, terms = real_eve.get(MINE).text, real_eve.get(f"{API}/terms")

    assert (terms.json()["asks_with"], terms.json()["key_ending"]) == ("own", "0123")
    assert OWN_KEY not in page + terms.text
    with real.database.read() as session:
        assert OWN_KEY not in session.scalar(select(AlphaGenomeKey.sealed))
    send(real_eve, f"{MINE}/key/forget")
    assert real_eve.get(f"{API}/terms").json()["key_ending"] is None


@pytest.mark.parametrize("key", ["", "short", "two words that are long enough", "kéy-that-is-long-enough"])
def test_what_can_be_no_key_is_refused_and_not_repeated(real_eve, key):
    answer = send(real_eve, f"{MINE}/key", key=key)

    assert answer.status_code == 422
    assert "A key is one word" in answer.text
    assert not key or key not in answer.text


def test_before_the_offline_model_nothing_must_be_accepted(eve):
    page = eve.get(MINE).text

    assert "The offline model answers here." in page
    assert "I accept these terms" not in page


@pytest.mark.browser
def test_no_page_of_alphagenome_shuts_anybody_out(real, real_ada, browser):
    use(real, "ada", calls=9)
    asked(real_ada, "PUT", "/quotas/person/ada/calls/day", amount=10)
    asked(real_ada, "PUT", "/sharing/everybody", visitors=True)
    with served(application(real)) as address:
        pages = {MINE: "AlphaGenome", f"{ALL}?user=ada": "Everybody’s use of AlphaGenome"}
        assert shut_out(browser, address, signed_in(application(real), "ada"), pages) == []
