"""A run's page in each state, and what its forms do without JavaScript."""

from __future__ import annotations

import pytest

from auth.identity import Level
from tests.landing.conftest import NOTEBOOK, PROJECT, VARIANT, WORKSHEET
from tests.landing.reading import HOSTILE, Page, send
from workspace_api.runs.models import RunState

CHOSEN = {"p_outputs": "RNA_SEQ", "p_tissues": "UBERON:0002107"}


@pytest.fixture
def own(house):
    """A person, their browser, and a run of theirs that waits."""
    identity, browser = house.person()
    return identity, browser, house.bench.ask(identity)


def shown(browser, run_id: str) -> Page:
    answer = browser.get(f"/runs/{run_id}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    page = Page(answer.text)
    assert page.active() == []
    return page


def test_a_waiting_run_says_where_it_stands_and_looks_again_without_javascript(own):
    _, browser, run_id = own
    page = shown(browser, run_id)

    assert "Waiting for its turn: number" in page.text
    assert page.one("section", **{"data-run": run_id})["data-state"] == "queued"
    assert page.one("meta", **{"http-equiv": "refresh"})["content"] == "3"
    assert page.all("iframe") == []
    assert page.actions() == [f"/runs/{run_id}/cancel"]


def test_a_run_that_gets_ready_says_that_its_environment_is_built(house, own):
    _, browser, run_id = own
    house.bench.change(run_id, state=RunState.PREPARING, lease_owner=None)

    page = shown(browser, run_id)
    assert "Building the environment" in page.text
    assert "The first time takes a minute or two" in page.text

    house.bench.change(run_id, lease_owner="a worker")
    assert "Getting ready" in shown(browser, run_id).text


def test_a_run_under_way_says_how_far_it_is(house, own):
    _, browser, run_id = own
    house.bench.running(run_id)
    page = shown(browser, run_id)

    assert "Scoring the variant" in page.text
    assert "cell 6 of 11" in page.text
    assert page.one("progress")["value"] == "6"
    assert page.one("progress")["max"] == "11"


def test_a_finished_run_shows_its_report_in_a_frame_that_can_do_nothing(house, own):
    identity, browser, run_id = own
    house.bench.finish(run_id, identity.user)
    page = shown(browser, run_id)
    frame = page.one("iframe")

    assert frame["sandbox"] == ""
    assert frame["src"] == f"/api/v1/runs/{run_id}/report"
    assert "took 12 s" in page.text
    assert "312 MB at most" in page.text
    assert "offline model (synthetic figures)" in page.text
    assert page.all("meta", **{"http-equiv": "refresh"}) == []
    assert page.actions() == [f"/runs/{run_id}/rerun"]
    for address in (f"{WORKSHEET}?from={run_id}", f"/api/v1/runs/{run_id}/crate", f"/projects/{PROJECT}"):
        assert page.all("a", href=address)


def test_a_failed_run_says_where_and_why_with_its_log_open(house, own):
    identity, browser, run_id = own
    house.bench.finish(run_id, identity.user, {"log.txt": b"Traceback\n" + HOSTILE.encode()})
    house.bench.fail(run_id, "ValueError: the allele is missing")
    page = shown(browser, run_id)

    assert "It stopped in the step Reading the variant (cell 3 of 11)." in page.text
    assert "ValueError: the allele is missing" in page.text
    assert "A run reaches AlphaGenome, and nothing else." in page.text
    assert "open" in page.one("details", **{"class": "log"})
    assert f"Traceback {HOSTILE}" in page.text


def test_a_failed_run_without_results_or_reason_is_a_page_too(house, own):
    _, browser, run_id = own
    house.bench.fail(run_id, "")

    page = shown(browser, run_id)
    assert "No reason was recorded" in page.text
    assert page.all("iframe") == []
    assert not page.all("a", href=f"/api/v1/runs/{run_id}/crate")


def test_results_that_their_owner_has_removed_are_not_offered(house, own):
    _, browser, run_id = own
    house.bench.change(run_id, state=RunState.SUCCEEDED, cell=11, cells=11)

    page = shown(browser, run_id)
    assert page.all("iframe") == []
    assert browser.get(f"/runs/{run_id}/thumbnail.webp").status_code == 404


def test_everything_that_others_wrote_is_shown_as_text(house):
    identity, browser = house.person()
    asked = house.workspace.runs.request(
        identity, PROJECT, NOTEBOOK, values={"variant": VARIANT}, title=HOSTILE, fresh=True
    )
    run_id = asked.run.id
    house.bench.change(
        run_id, parameters={HOSTILE: [HOSTILE, {"a": HOSTILE}]}, worksheet_title=HOSTILE, version=HOSTILE
    )
    house.bench.running(run_id, step=HOSTILE)
    assert shown(browser, run_id).text.count(HOSTILE) >= 5

    house.bench.fail(run_id, HOSTILE)
    assert shown(browser, run_id).text.count(HOSTILE) >= 5
    assert Page(browser.get("/me").text).active() == []
    assert HOSTILE in Page(browser.get("/me").text).text
    assert Page(browser.get("/").text).active() == []


def test_cancelling_asks_once_and_ends_the_run(own):
    _, browser, run_id = own
    page = shown(browser, run_id)
    assert page.all("details", **{"class": "confirm"})
    assert "End this run? What it is computing now is lost; the form keeps its values." in page.text

    answer = send(browser, f"/runs/{run_id}", f"/runs/{run_id}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}")

    page = shown(browser, run_id)
    assert "This run was ended before it finished." in page.text
    assert page.actions() == [f"/runs/{run_id}/rerun"]


def test_a_run_that_has_ended_meanwhile_cannot_be_cancelled(house, own):
    identity, browser, run_id = own
    token = browser.get(f"/runs/{run_id}").text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    house.bench.finish(run_id, identity.user)
    answer = browser.post(f"/runs/{run_id}/cancel", data={"csrf": token})

    assert answer.status_code == 409
    assert f"The run {run_id[:6]} has ended already (succeeded)." in answer.text


@pytest.mark.parametrize("action", ["cancel", "rerun"])
def test_a_form_without_the_token_of_this_browser_does_nothing(house, own, action):
    _, browser, run_id = own
    _, other = house.person()
    foreign = other.get(WORKSHEET).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]

    for data in ({}, {"csrf": ""}, {"csrf": foreign}):
        answer = browser.post(f"/runs/{run_id}/{action}", data=data)
        assert answer.status_code == 403
        assert "Load the page again" in answer.text
    from_elsewhere = browser.post(f"/runs/{run_id}/{action}", headers={"Sec-Fetch-Site": "cross-site"})
    assert from_elsewhere.status_code == 403
    assert shown(browser, run_id).one("section", **{"data-run": run_id})["data-state"] == "queued"


def test_running_again_computes_the_same_afresh(house, own):
    identity, browser, run_id = own
    house.bench.finish(run_id, identity.user)
    answer = send(browser, f"/runs/{run_id}", f"/runs/{run_id}/rerun")
    again = answer.headers["location"].removeprefix("/runs/")

    assert answer.status_code == 303
    assert again != run_id
    first, second = (house.workspace.runs.get(identity, each) for each in (run_id, again))
    assert (second.state, second.parameters, second.commit) == ("queued", first.parameters, first.commit)


def test_what_was_computed_before_is_shown_at_once_and_can_be_computed_afresh(house):
    identity, browser = house.person()
    asked = send(browser, WORKSHEET, WORKSHEET, p_variant="chr22:36201700:A>G", **CHOSEN)
    run_id = asked.headers["location"].removeprefix("/runs/")
    house.bench.finish(run_id, identity.user)

    answer = send(browser, WORKSHEET, WORKSHEET, p_variant="chr22:36201700:A>G", **CHOSEN)
    assert answer.headers["location"] == f"/runs/{run_id}?reused=1"
    page = Page(browser.get(answer.headers["location"]).text)
    assert "This is an identical earlier run" in page.text
    assert "Run afresh" in page.text

    afresh = send(browser, WORKSHEET, WORKSHEET, p_variant="chr22:36201700:A>G", fresh="true", **CHOSEN)
    assert afresh.headers["location"] != f"/runs/{run_id}"
    assert "reused" not in afresh.headers["location"]


def test_what_somebody_computed_in_public_answers_as_ones_own(house):
    stranger, (_, browser) = house.visitor(), house.person()
    asked = send(stranger, WORKSHEET, WORKSHEET, p_variant="chr22:36201701:A>G", **CHOSEN)
    original = asked.headers["location"].removeprefix("/runs/")
    house.bench.finish(original, "public")

    answer = send(browser, WORKSHEET, WORKSHEET, p_variant="chr22:36201701:A>G", **CHOSEN)
    run_id = answer.headers["location"].removeprefix("/runs/").removesuffix("?reused=1")
    page = shown(browser, run_id)

    assert run_id != original
    assert page.all("a", href=f"/runs/{original}")
    assert page.one("iframe")["src"] == f"/api/v1/runs/{run_id}/report"
    assert browser.get(f"/api/v1/runs/{run_id}/report").status_code == 200
    assert "reused" in Page(browser.get("/me").text).text


def test_a_private_run_is_there_for_its_owner_and_administrators_alone(house, own):
    identity, browser, run_id = own
    house.bench.finish(run_id, identity.user)
    _, other = house.person(Level.DEVELOPER)
    _, admin = house.person(admin=True)

    assert "Only you and administrators can open this page." in shown(browser, run_id).text
    assert f"Only {identity.user} and administrators" in shown(admin, run_id).text
    for stranger in (other, house.visitor()):
        for address in ("", "/thumbnail.webp"):
            answer = stranger.get(f"/runs/{run_id}{address}")
            assert answer.status_code == 404
            assert identity.user not in answer.text
        for address in ("report", "files", "files/log.txt", "notebook", "crate", "picture"):
            assert stranger.get(f"/api/v1/runs/{run_id}/{address}").status_code == 404


def test_a_visitors_run_is_read_by_whoever_has_its_address_and_cancelled_by_its_browser(house):
    visitor, other = house.visitor(), house.visitor()
    asked = send(visitor, WORKSHEET, WORKSHEET, p_variant="chr22:36201702:A>G", **CHOSEN)
    run_id = asked.headers["location"].removeprefix("/runs/")

    assert shown(visitor, run_id).actions() == [f"/runs/{run_id}/cancel"]
    assert shown(other, run_id).actions() == []
    token = other.get(WORKSHEET).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    assert other.post(f"/runs/{run_id}/cancel", data={"csrf": token}).status_code == 403

    house.bench.finish(run_id, "public")
    assert "Whoever has this page’s address can read it." in shown(other, run_id).text


@pytest.mark.parametrize("address", ["/runs/0123456789abcdef", "/runs/0123456789abcdef/thumbnail.webp"])
def test_a_run_that_was_never_asked_for_is_not_there(house, address):
    answer = house.visitor().get(address)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
