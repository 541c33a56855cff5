"""A worksheet's form: filled in, checked, refused with everything kept, and sent without JavaScript."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN
from tests.landing.conftest import NOTEBOOK, PROJECT, VARIANT, WORKSHEET, application, browser_of, signed_in
from tests.landing.reading import HOSTILE, Page, send
from tests.publishing import notebook
from workspace_api.settings import ForgeSettings

CHOSEN = {"p_outputs": "RNA_SEQ", "p_tissues": "UBERON:0002107"}
KINDS = """
words = "a word"
count = 3
share = 0.5
exact = True
maybe: bool | None = None
text = "one\\ntwo"
table = {"a": 1}
several = ["x"]
one = "b"
"""


@pytest.fixture(scope="module")
def kinds(house):
    """The address of a worksheet with a parameter of every kind."""
    parameters = {
        "words": {"title": "Words", "description": "Some words.", "minLength": 3},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "x-unit": "bp"},
        "several": {"type": "array", "items": {"type": "string", "enum": ["x", "y", "z"]}, "minItems": 1},
        "one": {"type": "string", "enum": ["a", "b"], "x-labels": {"a": "The first"}},
    }
    sheet = {"notebook": "k.ipynb", "title": "Every kind", "parameters": parameters}
    manifest = json.dumps({"title": "Kinds", "worksheets": [sheet]})
    path = house.publish({"k.ipynb": notebook("words", parameters=KINDS), "workspace.yaml": manifest})
    return f"/projects/{path}/worksheets/k.ipynb"


def run_of(house, identity, answer):
    assert answer.status_code == 303
    return house.workspace.runs.get(identity, answer.headers["location"].split("/")[-1].partition("?")[0])


def test_the_form_shows_every_parameter_with_its_default(house, kinds):
    page = Page(house.visitor().get(kinds).text)

    assert page.active() == []
    assert page.one("input", id="f-words")["value"] == "a word"
    assert page.one("input", id="f-count")["value"] == "3"
    assert "bp" in page.text
    assert "checked" in page.one("input", id="f-exact")
    assert "one\ntwo" in page.pieces
    assert '{"a": 1}' in page.pieces
    assert "checked" in page.one("input", name="p.several", value="x")
    assert "checked" not in page.one("input", name="p.several", value="y")
    assert "selected" in page.one("option", value="b")
    assert page.one("input", id="f-words")["aria-describedby"] == "h-words n-words"


def test_what_is_sent_is_what_runs(house, kinds):
    identity, browser = house.person()
    answer = send(
        browser, kinds, kinds, title=" My run ",
        p_words="other words", p_count="7", p_share="0.25", p_maybe="no", p_text="x",
        p_table='{"b": [2]}', p_several=["y", "z"], p_one="a",
    )  # fmt: skip
    run = run_of(house, identity, answer)

    assert run.title == "My run"
    assert run.parameters == {
        "words": "other words", "count": 7, "share": 0.25, "exact": False, "maybe": False, "text": "x",
        "table": {"b": [2]}, "several": ["y", "z"], "one": "a",
    }  # fmt: skip


def test_every_mistake_stands_beside_its_field_and_what_was_typed_is_kept(house, kinds):
    identity, browser = house.person()
    answer = send(
        browser, kinds, kinds, title="Kept", p_words="x", p_count="10", p_share="much", p_table="{", p_one="c"
    )
    page = Page(answer.text)

    assert answer.status_code == 422
    assert page.one("div", role="alert")["id"] == "problems"
    wrong = {each["id"] for _, each in page.tags if each.get("aria-invalid") == "true" and "id" in each}
    assert wrong == {"f-words", "f-count", "f-share", "f-table", "f-several", "f-one"}
    assert "6 values need another look. Nothing was started, and what you typed is kept." in page.text
    assert {f"#{each}" for each in wrong} <= {link["href"] for link in page.all("a")}
    assert page.one("input", id="f-count")["value"] == "10"
    assert page.one("input", id="f-share")["value"] == "much"
    assert "{" in page.pieces
    assert "selected" in page.one("option", value="c")
    assert "checked" not in page.one("input", id="f-exact")
    assert page.one("input", id="f--title")["value"] == "Kept"
    assert house.workspace.runs.list(identity).total == 0


def test_a_value_for_no_parameter_is_refused_in_words(house, kinds):
    _, browser = house.person()
    answer = send(browser, kinds, kinds, p_words="some words", p_several="x", **{"p.nothing": "1"})

    assert answer.status_code == 422
    assert "nothing" in Page(answer.text).text


def test_a_title_that_is_none_is_refused_beside_its_field(house):
    _, browser = house.person()
    answer = send(browser, WORKSHEET, WORKSHEET, p_variant=VARIANT, title="x" * 201, **CHOSEN)
    page = Page(answer.text)

    assert answer.status_code == 422
    assert page.one("input", id="f--title")["aria-invalid"] == "true"
    assert "A title has at most 200 characters" in page.text
    assert page.one("input", id="f-variant")["value"] == VARIANT


@pytest.mark.parametrize(
    "field", ["p.variant", "title", "p.tissues", "p.window", "p.outputs", "p.none", "ref"]
)
def test_hostile_input_comes_back_as_text(house, field):
    _, browser = house.person()
    answer = send(browser, WORKSHEET, WORKSHEET, **{"p_variant": "x", **CHOSEN, field: HOSTILE})

    assert answer.status_code in (404, 422)
    assert Page(answer.text).active() == []


def test_a_form_without_the_token_of_this_browser_starts_nothing(house):
    identity, browser = house.person()
    for data in ({}, {"csrf": "0" * 64}):
        answer = browser.post(WORKSHEET, data={"p.variant": VARIANT, **data})
        assert answer.status_code == 403
        assert "Load the page again" in answer.text
    assert house.workspace.runs.list(identity).total == 0


def test_a_visitor_runs_without_an_account_as_much_at_once_as_there_may_be(house):
    visitor = house.visitor()
    for position in range(3):
        answer = send(visitor, WORKSHEET, WORKSHEET, p_variant=f"chr22:3620180{position}:A>C", **CHOSEN)
        assert answer.status_code == 303

    answer = send(visitor, WORKSHEET, WORKSHEET, p_variant="chr22:36201809:A>C", **CHOSEN)
    page = Page(answer.text)
    assert answer.status_code == 429
    assert "The run was not started. You have 3 runs waiting or under way" in page.text
    assert page.one("input", id="f-variant")["value"] == "chr22:36201809:A>C"


def test_one_field_is_checked_by_itself(house, kinds):
    browser = house.visitor()
    browser.get(kinds)
    token = browser.get(kinds).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]

    def note(address: str, field: str, value: str) -> str:
        data = {"csrf": token, f"p.{field}": value}
        answer = browser.post(f"{address}/validate", params={"field": field}, data=data)
        assert answer.status_code == 200
        assert Page(answer.text).active() == []
        return Page(answer.text).text

    assert "9" in note(kinds, "count", "10")
    assert note(kinds, "count", "9") == ""
    assert HOSTILE in note(kinds, "count", HOSTILE)
    assert note(WORKSHEET, "variant", "22:36,201,698:a>c") == f"Read as {VARIANT}"
    assert browser.post(f"{kinds}/validate?field=none", data={"csrf": token}).status_code == 404
    assert browser.post(f"{kinds}/validate?field=count", data={"p.count": "1"}).status_code == 403


def test_a_link_fills_the_form_in(house, kinds):
    given = [("words", HOSTILE), ("several", "y"), ("several", "z"), ("exact", "false"), ("none", "1")]
    page = Page(house.visitor().get(f"{kinds}?{urlencode(given)}").text)

    assert page.active() == []
    assert page.one("input", id="f-words")["value"] == HOSTILE
    assert "checked" not in page.one("input", id="f-exact")
    assert [box["value"] for box in page.all("input", name="p.several") if "checked" in box] == ["y", "z"]


def test_change_and_run_begins_with_the_values_of_the_run(house):
    identity, browser = house.person()
    run_id = house.bench.ask(identity, close_up=2048, outputs=["ATAC"])
    page = Page(browser.get(f"{WORKSHEET}?from={run_id}").text)

    assert f"Filled in from the run #{run_id[:6]}" in page.text
    assert page.one("input", id="f-variant")["value"] == VARIANT
    assert page.one("input", id="f-close_up")["value"] == "2048"
    assert [box["value"] for box in page.all("input", name="p.outputs") if "checked" in box] == ["ATAC"]
    assert house.visitor().get(f"{WORKSHEET}?from={run_id}").status_code == 404


def test_the_page_tells_costs_examples_and_earlier_runs(make_workspace, bench):
    workspace = bench.workspace
    app = application(workspace)
    page = Page(browser_of(app).get(WORKSHEET).text)
    assert (
        "Nobody has run this yet, so how long it takes is unknown. At most 15 min with 4 GiB of memory."
        in page.text
    )
    assert "No account needed." in page.text
    assert "The example is being made" in page.text
    assert "None yet. This browser’s runs will be listed here." in page.text

    example = bench.example()
    run_id = bench.ask(workspace.people.identity_of("eve"))
    page = Page(signed_in(app, "eve").get(WORKSHEET).text)
    assert "Usually takes about 12 s." in page.text
    assert page.one("img")["src"] == f"/api/v1/runs/{example}/picture"
    assert page.all("a", href=f"{WORKSHEET}?from={example}")
    assert page.all("a", href=f"/runs/{run_id}")


def test_an_older_version_stays_the_one_that_runs(house, kinds):
    identity, browser = house.person()
    path = kinds.removeprefix("/projects/").partition("/worksheets")[0]
    commit = house.workspace.projects.snapshot(identity, path).commit
    page = Page(browser.get(f"{kinds}?ref={commit}").text)
    assert page.one("input", name="ref")["value"] == commit

    answer = send(browser, f"{kinds}?ref={commit}", kinds, ref=commit, p_words="some words", p_several="x")
    assert run_of(house, identity, answer).commit == commit
    assert send(browser, kinds, kinds, ref="nothing", p_words="some words").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        f"/projects/{PROJECT}/worksheets/none.ipynb",
        f"/projects/{PROJECT}/worksheets/README.md",
        f"/projects/none/none/worksheets/{NOTEBOOK}",
        f"{WORKSHEET}?ref=v9.9",
        f"{WORKSHEET}?from=0123456789abcdef",
    ],
)
def test_what_is_no_worksheet_is_not_there(house, address):
    assert house.visitor().get(address).status_code == 404


def test_while_the_forge_is_down_a_curated_worksheet_still_runs(make_workspace):
    away = ForgeSettings(url=f"http://127.0.0.1:{free_port()}/git", token=ROOT_TOKEN)
    browser = browser_of(application(make_workspace(forge=away)))

    assert browser.get(WORKSHEET).status_code == 200
    assert send(browser, WORKSHEET, WORKSHEET, p_variant=VARIANT, **CHOSEN).status_code == 303
    other = browser.get(f"{WORKSHEET}?ref=other")
    assert other.status_code == 503
    assert "A part of the workspace is not answering" in other.text
    assert "Try again" in other.text
