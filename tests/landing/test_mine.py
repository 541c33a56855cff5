"""My work: one's own runs, by state and page, and one's tokens."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from tests.landing.conftest import WORKSHEET
from tests.landing.reading import HOSTILE, Page, send
from workspace_api.runs.models import Run, RunState

CHOSEN = {"p_outputs": "RNA_SEQ", "p_tissues": "UBERON:0002107"}


def listed(page: Page) -> list[str]:
    """Return the ids of the runs that a page lists, in its order."""
    links = [link["href"] for link in page.all("a") if link.get("href", "").startswith("/runs/")]
    return [link.removeprefix("/runs/") for link in links]


def mine(browser, query: str = "") -> Page:
    answer = browser.get(f"/me{query}")
    assert answer.status_code == 200
    return Page(answer.text)


def test_before_the_first_run_the_page_says_what_to_do(house):
    _, browser = house.person()

    assert "You have not run anything yet." in mine(browser).text
    assert "Pick a worksheet, fill in its form and press Run." in mine(browser).text
    assert "No run is failed." in mine(browser, "?state=failed").text


def test_runs_are_listed_newest_first_each_with_its_state(house):
    identity, browser = house.person()
    first, second, third = (house.bench.ask(identity) for _ in range(3))
    house.bench.finish(first, identity.user)
    house.bench.fail(second, "It broke.")
    page = mine(browser)

    assert listed(page) == [third, second, first]
    assert [each["class"] for each in page.all("span") if each.get("class", "").startswith("state ")] == [
        "state queued",
        "state failed",
        "state succeeded",
    ]
    assert "12 s" in page.text
    assert page.all("a", href=WORKSHEET)


def test_a_state_narrows_the_list_and_one_that_is_none_does_not(house):
    identity, browser = house.person()
    waiting, failed = house.bench.ask(identity), house.bench.ask(identity)
    house.bench.fail(failed, "It broke.")

    assert listed(mine(browser, "?state=failed")) == [failed]
    assert listed(mine(browser, "?state=queued")) == [waiting]
    assert listed(mine(browser, "?state=%3Cb%3E")) == [failed, waiting]
    assert mine(browser, "?state=failed").one("a", **{"class": "chip", "aria-current": "true"})["href"] == (
        "/me?state=failed"
    )


def test_a_long_list_has_pages_that_keep_the_state(house):
    identity, browser = house.person()
    one = house.bench.ask(identity)
    columns = [column for column in Run.__table__.columns if column.name != "id"]
    with house.workspace.database.write() as session:
        row = session.execute(select(*columns).where(Run.id == one)).mappings().one()
        failed = {**row, "state": RunState.FAILED}
        session.execute(insert(Run), [{**failed, "id": f"{identity.user[1:]}{n:02}"} for n in range(45)])
    pages = [mine(browser, f"?state=failed&page={number}") for number in (1, 2, 3)]

    assert [len(listed(page)) for page in pages] == [20, 20, 5]
    assert len({run for page in pages for run in listed(page)}) == 45
    assert "Page 2 of 3" in pages[1].text
    assert pages[1].one("a", rel="next")["href"] == "/me?page=3&state=failed"
    assert pages[1].one("a", rel="prev")["href"] == "/me?page=1&state=failed"
    assert pages[2].all("a", rel="next") == pages[0].all("a", rel="prev") == []


@pytest.mark.parametrize("query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999999999999"])
def test_a_page_that_is_none_is_refused_in_words(house, query):
    answer = house.visitor().get(f"/me{query}")

    assert answer.status_code == 422
    assert "Please check what you typed" in answer.text


def test_a_visitor_sees_the_runs_of_their_browser_and_no_other(house):
    visitor, other = house.visitor(), house.visitor()
    answer = send(visitor, WORKSHEET, WORKSHEET, p_variant="chr22:36201705:A>C", **CHOSEN)
    run_id = answer.headers["location"].removeprefix("/runs/")

    assert listed(mine(visitor)) == [run_id]
    assert "These are the runs of this browser." in mine(visitor).text
    assert listed(mine(other)) == []


def test_a_token_is_shown_once_and_works_until_it_is_revoked(house):
    identity, browser = house.person()
    assert "None yet. You need one only for scripts" in Page(browser.get("/me/tokens").text).text

    made = send(browser, "/me/tokens", "/me/tokens", name=HOSTILE, scope=["read_api"])
    page = Page(made.text)
    assert page.active() == []
    assert f"Your new token “{HOSTILE}”" in page.text
    assert made.headers["cache-control"] == "no-store"
    secret = page.one("button", **{"aria-label": "Copy the token"})["data-copy"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert house.visitor().get("/api/v1/me", headers=bearer).json()["name"] == identity.user

    later = browser.get("/me/tokens").text
    assert secret not in later
    assert HOSTILE in Page(later).text
    (action,) = [each for each in Page(later).actions() if each.endswith("/revoke")]
    assert send(browser, "/me/tokens", action).headers["location"] == "/me/tokens"
    assert house.visitor().get("/api/v1/me", headers=bearer).status_code == 401
    assert HOSTILE not in Page(browser.get("/me/tokens").text).text


@pytest.mark.parametrize("days", ["30", "90", "365", ""])
def test_a_token_works_as_long_as_was_chosen(house, days):
    identity, browser = house.person()
    assert "selected" in Page(browser.get("/me/tokens").text).one("option", value="90")

    page = Page(send(browser, "/me/tokens", "/me/tokens", name="x", scope=["api"], days=days).text)

    (token,) = house.workspace.tokens.list(identity)
    if days:
        assert token.expires_at is not None
        assert (token.expires_at - token.created_at).days in (int(days) - 1, int(days))
        assert f"ends {token.expires_at.date()}" in page.text
    else:
        assert token.expires_at is None
        assert "works until it is revoked" in page.text


def test_mistakes_in_a_new_token_stand_beside_their_fields(house):
    _, browser = house.person()
    nothing = Page(send(browser, "/me/tokens", "/me/tokens", name="").text)
    assert nothing.one("input", id="t-name")["aria-invalid"] == "true"
    assert "Choose at least one scope" in nothing.text

    forever = Page(send(browser, "/me/tokens", "/me/tokens", name="x", scope=["api"], days="9999").text)
    assert forever.one("select", id="t-days")["aria-invalid"] == "true"
    assert "“9999” is not offered" in forever.text

    answer = send(browser, "/me/tokens", "/me/tokens", name="My script", scope=["read_api", HOSTILE])
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.active() == []
    assert page.one("input", id="t-name")["value"] == "My script"
    assert "checked" in page.one("input", value="read_api")
    assert "checked" not in page.one("input", value="api")


def test_tokens_need_an_account_and_the_token_of_this_browser(house):
    visitor, (_, browser), (_, other) = house.visitor(), house.person(), house.person()
    refused = visitor.get("/me/tokens")
    assert refused.status_code == 401
    assert Page(refused.text).all("a", href="/login?next=/me/tokens")

    assert browser.post("/me/tokens", data={"name": "x", "scope": "api"}).status_code == 403
    send(browser, "/me/tokens", "/me/tokens", name="x", scope="api")
    (action,) = [each for each in Page(browser.get("/me/tokens").text).actions() if each.endswith("/revoke")]
    assert browser.post(action).status_code == 403
    token = Page(other.get("/me/tokens").text).all("input", name="csrf")[0]["value"]
    assert other.post(action, data={"csrf": token}).status_code == 404
    assert action in Page(browser.get("/me/tokens").text).actions()
