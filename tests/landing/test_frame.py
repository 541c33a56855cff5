"""What every page has around it: its headers, the way to sign in and out, and errors in words."""

from __future__ import annotations

import pytest
from jinja2 import Environment, FileSystemLoader

from deploy.layout import NODE_MODULES
from landing.assets import Assets
from landing.frame import sign_in_pages
from tests.landing.conftest import NOTEBOOK, PROJECT, WORKSHEET
from tests.landing.reading import HOSTILE, Page, send

PAGES = [
    "/",
    "/me",
    "/status",
    f"/projects/{PROJECT}",
    f"/projects/{PROJECT}/notebooks/{NOTEBOOK}",
    WORKSHEET,
]


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{HOSTILE}</p>",
        f'<input value="{HOSTILE}">',
        "<a href=' JavaScript:alert(1)'>x</a>",
        "<img src=//elsewhere.example/x.png>",
        "<form action='//elsewhere.example/'></form>",
        "<p style='color: red'>x</p>",
        "<iframe src=/report></iframe>",
        "<iframe sandbox='allow-scripts' src=/report></iframe>",
        "<base href=/x>",
        "<script src=/runs/1/report></script>",
    ],
)
def test_these_tests_notice_what_a_page_would_execute(html):
    assert Page(html).active() != []


@pytest.mark.parametrize("address", [*PAGES, "/nowhere"])
def test_a_page_executes_nothing_but_its_own_scripts_and_is_kept_by_no_cache(house, address):
    answer = house.visitor().get(address)
    policy = answer.headers["content-security-policy"]
    page = Page(answer.text)

    assert page.active() == []
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert len(page.all("h1")) == 1
    assert page.one("html")["lang"] == "en"
    assert page.all("a", href="#main")


def test_every_id_stands_once_on_a_page_and_every_label_names_a_field(house):
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    house.bench.finish(run_id, identity.user)
    for address in (*PAGES, "/me/tokens", f"/runs/{run_id}", f"{WORKSHEET}?from={run_id}"):
        page = Page(browser.get(address).text)
        ids = [each["id"] for _, each in page.tags if "id" in each]
        assert len(ids) == len(set(ids)), address
        named = {word for _, each in page.tags for word in each.get("aria-describedby", "").split()}
        named |= {each["aria-labelledby"] for _, each in page.tags if "aria-labelledby" in each}
        named |= {label["for"] for label in page.all("label") if "for" in label}
        assert named <= set(ids), address


def test_signing_in_comes_back_to_the_page_with_what_was_asked(house):
    link = Page(house.visitor().get("/?q=a%26b&area=%3Cx%3E").text)

    assert link.all("a", href="/login?next=/%3Fq%3Da%2526b%26area%3D%253Cx%253E")


def test_a_page_that_needs_an_account_says_so_and_leads_to_it_by_the_sign_in(house):
    answer = house.visitor().get("/batches")
    page = Page(answer.text)

    assert answer.status_code == 401
    assert "Please sign in This needs an account" in page.text
    assert "401" not in page.text
    assert len(page.all("a", href="/login?next=/batches")) == 2


def test_a_refused_sign_in_says_what_may_be_wrong(house):
    folders, values = sign_in_pages(house.workspace.settings, Assets(NODE_MODULES))
    templates = Environment(loader=FileSystemLoader(folders), autoescape=True)
    drawn = {**values, "asset": values["asset"](None), "username": "ada", "xsrf": ""}
    page = Page(
        templates.get_template("login.html").render(drawn, login_error="Invalid username or password")
    )

    assert "This name and this password do not go together." in page.text
    assert page.one("input", name="username")["value"] == "ada"


def test_signing_out_is_a_form_of_this_browser(house):
    identity, browser = house.person()
    page = Page(browser.get("/").text)
    assert identity.user in page.text
    assert browser.post("/logout").status_code == 403

    token = page.all("input", name="csrf")[0]["value"]
    answer = browser.post("/logout", data={"csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/hub/logout")
    assert "Sign in" in Page(browser.get("/").text).text


def test_a_person_whose_account_was_closed_is_a_visitor(house):
    identity, browser = house.person()
    house.workspace.people.disable(identity.user)

    assert "Sign in" in Page(browser.get("/").text).text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nowhere", 404),
        ("/%3Cscript%3Ealert(1)%3C/script%3E", 404),
        ("//elsewhere.example/x", 404),
        ("/projects/a/b", 404),
        ("/projects/%2e%2e/%2e%2e", 404),
        ("/projects/%00/%00", 404),
        ("/projects/a/" + "b" * 300, 404),
        (f"{WORKSHEET}?ref=" + "r" * 300, 422),
        ("/runs/%3Cb%3E", 404),
        (f"/projects/{PROJECT}/proposals/first", 404),
        ("/runs/0?reused=perhaps", 422),
        ("/?page=0", 422),
        ("/?page=%3Cscript%3Ealert(1)%3C/script%3E", 422),
        ("/environments/x/rebuild", 405),
    ],
)
def test_a_wrong_address_is_answered_in_words_that_execute_nothing(house, address, status):
    answer = house.visitor().get(address)
    page = Page(answer.text)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert page.active() == []
    assert page.all("a", href="/")
    assert not any(link.get("href", "").startswith("//") for link in page.all("a"))


def test_a_program_is_answered_with_a_problem_document_instead(house):
    answer = house.visitor().get("/nowhere", headers={"Accept": "application/json"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_body_larger_than_is_accepted_is_refused_on_a_page(house):
    answer = house.visitor().post(WORKSHEET, data={"p.variant": "A" * 3_000_000})

    assert answer.status_code == 413
    assert "larger than 2 MB" in answer.text
    assert Page(answer.text).active() == []


@pytest.mark.parametrize("query", [HOSTILE, "%", "_", "\\", "a" * 5_000, "\0", "ä" * 100, "' OR 1=1 --"])
def test_any_search_is_answered_on_a_page_that_executes_nothing_of_it(house, query):
    answer = house.visitor().get("/", params={"q": query, "area": query})

    assert answer.status_code == 200
    assert Page(answer.text).active() == []
    assert "show all worksheets" in answer.text


def test_a_form_of_another_kind_than_ours_starts_nothing(house):
    visitor = house.visitor()
    token = Page(visitor.get(WORKSHEET).text).all("input", name="csrf")[0]["value"]
    file = visitor.post(
        WORKSHEET,
        data={"csrf": token},
        files={"p.variant": ("x.txt", b"chr22:36201698:A>C"), "title": ("t", b"t")},
    )
    assert file.status_code == 422
    broken = visitor.post(
        WORKSHEET, content=b"\xff\xfe--", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code in (400, 403)
    assert send(visitor, WORKSHEET, WORKSHEET, **{"p.variant": ["a", "b"]}).status_code == 422
