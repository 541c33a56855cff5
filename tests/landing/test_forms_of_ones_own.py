"""Making a project, and git access from one's own machine: the pages."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.identity import Level
from landing.new_project import name_of
from tests.accessibility import served, shut_out
from tests.landing.reading import HOSTILE, Page, send


def look(browser, address: str) -> Page:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def public_key() -> str:
    made = Ed25519PrivateKey.generate().public_key()
    return made.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def author(house):
    """Somebody who may make projects, and their browser."""
    return house.person(Level.AUTHOR)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Heart splicing", "heart-splicing"),
        ("  Größe & Café, 2.0! ", "grosse-cafe-2-0"),
        ("x" * 62 + " y", "x" * 62),
        ("染色质", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_project_is_made_of_its_title(title, name):
    assert name_of(title) == name


def test_a_project_is_made_and_shown(author):
    identity, browser = author
    name = "n" + os.urandom(4).hex()
    made = send(browser, "/projects/new", "/projects/new", name=name, title="Hearts", visibility="private")

    assert (made.status_code, made.headers["location"]) == (303, f"/projects/{identity.user}/{name}")
    page = look(browser, made.headers["location"])
    assert "Hearts" in page.text
    assert page.active() == []


def test_a_project_without_a_name_is_called_by_its_title(author):
    identity, browser = author
    mark = os.urandom(4).hex()
    made = send(
        browser, "/projects/new", "/projects/new", name="", title=f"Hearts, {mark}", visibility="private"
    )

    assert made.headers["location"] == f"/projects/{identity.user}/hearts-{mark}"


def test_a_project_that_is_refused_keeps_what_was_typed_beside_the_reason(author):
    _, browser = author
    refused = send(
        browser, "/projects/new", "/projects/new", name="A b", title=HOSTILE[:100], group="nobodys"
    )
    page = Page(refused.text)

    assert refused.status_code == 422
    assert "The project was not made." in page.text
    assert page.one("input", id="name")["value"] == "A b"
    assert page.one("input", id="name")["aria-invalid"] == "true"
    assert page.one("input", id="title")["value"] == HOSTILE[:100]
    assert "There is no group “nobodys”" in page.text
    assert page.active() == []


def test_who_may_not_make_projects_is_told_so(house):
    _, reader = house.person(Level.END_USER)

    assert reader.get("/projects/new").status_code == 403
    assert house.visitor().get("/projects/new").status_code == 401


def test_a_password_for_git_is_shown_once_and_can_be_revoked(author):
    identity, browser = author
    made = Page(
        send(browser, "/me/keys", "/me/keys/passwords", name="My laptop", days="30", may_push="1").text
    )
    listed = look(browser, "/me/keys")

    assert f"your user name is {identity.user}" in made.text
    secret = next(word for word in made.text.split() if word.startswith("glpat-"))
    assert secret not in listed.text
    assert "My laptop" in listed.text
    [revoke] = [each for each in listed.actions() if each.endswith("/revoke")]
    assert send(browser, "/me/keys", revoke).status_code == 303
    assert "My laptop" not in look(browser, "/me/keys").text


def test_the_page_of_keys_names_what_the_forge_speaks_here(author, house, monkeypatch):
    def told(address: str) -> str:
        settings = house.workspace.settings.forge.model_copy(update={"public_url": f"{address}/git"})
        monkeypatch.setattr(house.workspace.forge, "_settings", settings)
        return look(author[1], "/me/keys").text

    monkeypatch.setattr(house.workspace.keys, "speaks_ssh", False)
    assert "speaks HTTP only, not SSH" in told("http://lab.test:8000")
    assert "speaks HTTPS only, not SSH" in told("https://lab.test")
    monkeypatch.setattr(house.workspace.keys, "speaks_ssh", True)
    assert "not SSH" not in told("https://lab.test")


def test_a_key_is_kept_and_removed(author):
    _, browser = author
    assert send(browser, "/me/keys", "/me/keys", title=HOSTILE[:80], key=public_key()).status_code == 303
    page = look(browser, "/me/keys")

    assert HOSTILE[:80] in page.text
    assert page.active() == []
    [remove] = [each for each in page.actions() if each.endswith("/remove")]
    assert send(browser, "/me/keys", remove).status_code == 303
    assert HOSTILE[:80] not in look(browser, "/me/keys").text


def test_a_private_key_is_refused_and_not_sent_back(author):
    _, browser = author
    private = "-----BEGIN OPENSSH PRIVATE KEY-----\nmine\n-----END OPENSSH PRIVATE KEY-----"
    refused = send(browser, "/me/keys", "/me/keys", title="Laptop", key=private)

    assert refused.status_code == 422
    assert "private half of a key" in refused.text
    assert "mine" not in refused.text
    assert Page(refused.text).one("input", id="title")["value"] == "Laptop"


@pytest.mark.parametrize("days", ["0", "ninety", "99999", "-1"])
def test_a_password_for_no_number_of_days_is_refused(author, days):
    _, browser = author
    refused = send(browser, "/me/keys", "/me/keys/passwords", name="Laptop", days=days)

    assert refused.status_code == 422
    assert "choose from 1 to" in refused.text


@pytest.mark.browser
def test_neither_page_shuts_anybody_out(author, house, browser):
    identity, signed_in = author
    house.workspace.keys.make_password(identity, "A name of a machine that is rather long", days=30)
    house.workspace.keys.add(identity, "Laptop", public_key())

    def refuse(page) -> None:
        page.locator("main form button").last.click() if page.url.endswith("/new") else None
        page.wait_for_load_state()

    with served(house.app) as address:
        pages = {"/projects/new": "New project", "/me/keys": "Git from your own machine"}
        assert shut_out(browser, address, signed_in, pages, refuse) == []
