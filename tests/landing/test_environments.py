"""The pages of environments: what is told to whom, and what each may have done."""

from __future__ import annotations

import pytest

from auth.identity import Level
from tests.accessibility import served, shut_out
from tests.conftest import CHECKOUT
from tests.landing.conftest import token_in
from tests.landing.reading import Page
from workspace_api.database import now


def look(browser, address: str) -> Page:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def send(browser, page: str, action: str, **values: str):
    return browser.post(action, data={"csrf": token_in(browser.get(page).text), **values})


@pytest.fixture
def project(house) -> str:
    return house.publish({"README.md": "# About"})


@pytest.fixture
def key(house, project) -> str:
    return house.key_of(project)


@pytest.fixture
def built(house, key):
    """An environment that is there, with one package."""
    builder = house.workspace.environments.builder
    site = builder.folder(key) / "lib" / CHECKOUT_PYTHON / "site-packages" / "six-1.17.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.17.0\n")
    (builder.folder(key) / ".labfork-complete").write_text("1200")
    house.bench.environment(key, state="ready", size_bytes=1200, started_at=now(), finished_at=now())
    return key


CHECKOUT_PYTHON = next((CHECKOUT / ".venv" / "lib").glob("python3.*")).name


def test_the_page_says_what_it_is_made_of_and_who_uses_it(house, project, built):
    page = look(house.visitor(), f"/environments/{built}")

    assert "requirements.txt" in page.text
    assert f"# {project.partition('/')[2]}" in page.text
    assert "six1.17.0" in page.text.replace(" ", "").replace("\n", "")
    assert f'"/projects/{project}?ref=' in house.visitor().get(f"/environments/{built}").text
    assert page.all("form", method="post", action=f"/environments/{built}/rebuild") == []
    assert "No package has" in look(house.visitor(), f"/environments/{built}?q=numpy").text


def test_what_is_in_a_private_project_is_told_to_its_members_alone(house):
    path = house.publish({"README.md": "# Secret"}, visibility="private")
    key = house.key_of(path)
    _, author = house.person(Level.AUTHOR)
    _, admin = house.person(Level.AUTHOR, admin=True)

    for browser in (house.visitor(), author):
        text = browser.get(f"/environments/{key}").text
        assert path not in text
        assert f"# {path.partition('/')[2]}" not in text
        assert browser.get(f"/api/v1/environments/{key}/packages").status_code == 404
    assert path in admin.get(f"/environments/{key}").text


def test_what_may_be_done_depends_on_who_asks_and_on_the_state(house, key, built):
    _, reader = house.person(Level.END_USER)
    _, author = house.person(Level.AUTHOR)
    _, admin = house.person(Level.AUTHOR, admin=True)
    page = f"/environments/{key}"
    asked = {name: f"{page}/{name}" for name in ("rebuild", "cancel", "remove")}

    assert not set(asked.values()) & set(look(reader, page).actions())
    assert asked["rebuild"] in look(author, page).actions()
    assert asked["remove"] not in look(author, page).actions()
    assert asked["remove"] in look(admin, page).actions()
    assert send(reader, page, asked["rebuild"]).status_code == 403
    assert send(author, page, asked["remove"]).status_code == 403
    assert author.post(asked["rebuild"]).status_code == 403  # without the page's token

    assert send(admin, page, asked["remove"]).status_code == 303
    assert house.workspace.environments.view(key).state == "removed"
    assert "Not kept at the moment" in look(author, page).text
    assert send(author, page, asked["rebuild"], back=page).headers["location"] == page
    assert asked["cancel"] in look(author, page).actions()
    assert send(author, page, asked["cancel"]).status_code == 303
    assert "Somebody stopped the build" in look(author, page).text


def test_one_that_was_never_built_is_not_said_to_have_been_removed(house, key):
    house.bench.environment(key, state="removed", finished_at=None)
    _, author = house.person(Level.AUTHOR)
    text = look(author, f"/environments/{key}").text

    assert "Not built yet. It is built as soon as somebody" in text
    assert "Build it now" in text
    assert "Not kept" not in text


def test_the_list_is_for_administrators(house, key, built):
    _, author = house.person(Level.AUTHOR)
    _, admin = house.person(Level.AUTHOR, admin=True)
    assert author.get("/environments").status_code == 403
    assert house.visitor().get("/environments").status_code == 401

    page = look(admin, f"/environments?q={key}")
    assert look(admin, "/me").all("a", href="/environments")
    assert page.all("a", href=f"/environments/{key}")
    assert "Nothing: there is room" in page.text
    assert "None is like that." in look(admin, f"/environments?q={key}&state=failed").text
    assert send(admin, "/environments", "/environments/surplus/remove").headers["location"] == "/environments"


def test_no_such_environment(house):
    assert house.visitor().get("/environments/" + "0" * 24).status_code == 404


@pytest.mark.browser
def test_no_page_of_environments_shuts_anybody_out(house, built, browser):
    _, admin = house.person(Level.AUTHOR, admin=True)
    pages = {f"/environments/{built}": f"Environment {built[:12]}", "/environments": "Environments"}
    with served(house.app) as address:
        assert shut_out(browser, address, admin, pages) == []


@pytest.mark.browser
def test_the_log_of_a_build_is_shown_from_its_end(house, project, key, browser):
    log = house.workspace.environments.log_path(key)
    log.parent.mkdir(exist_ok=True)
    log.write_text("".join(f"step {number}\n" for number in range(400)) + "it broke here")
    house.bench.environment(key, state="failed", error="It broke.", finished_at=now())
    with served(house.app) as address:
        page = browser.new_page()
        page.goto(f"{address}/projects/{project}")
        shown = page.get_by_role("region", name="Build log")
        below = shown.evaluate(
            """log => {
                const all = document.createRange();
                all.selectNodeContents(log);
                const lines = [...all.getClientRects()];
                return lines.at(-1).bottom - log.getBoundingClientRect().bottom;
            }"""
        )
        page.close()

    assert below <= 0, "the last line is in sight"
