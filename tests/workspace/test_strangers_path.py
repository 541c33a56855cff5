"""A stranger without an account asks about a variant and reads the report, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ADMIN_PASSWORD, CHECKOUT
from tests.publishing import notebook, publish

pytestmark = [pytest.mark.browser, pytest.mark.workspace, pytest.mark.timeout(600)]

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
WORKSHEET = "/projects/genomics/alphagenome/worksheets/02_variant_analysis.ipynb"


@pytest.fixture(scope="module")
def brief(workspace):
    """The address of a worksheet with one field, `n`, whose run is short."""
    return f"/projects/{publish(workspace, 'brief', {'a.ipynb': notebook('n')})}/worksheets/a.ipynb"


@pytest.fixture
def page(browser, workspace):
    """Give a fresh browser window; anything it asks of another host fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=workspace.url)
    foreign: list[str] = []
    context.on(
        "request", lambda request: foreign.append(request.url) if is_foreign(request.url, workspace) else 0
    )
    page = context.new_page()
    yield page
    context.close()
    assert foreign == []


def is_foreign(url: str, workspace) -> bool:
    """Whether `url` is at another host; data and blob addresses are at none."""
    return url.startswith("http") and not url.startswith(workspace.url)


def violations(page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA on the page, in words."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run(document, {iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
    )
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]


def test_from_the_landing_page_to_a_report_with_its_picture(page):
    page.goto("/")
    assert violations(page) == []
    page.locator(f'a[href="{WORKSHEET}"]').first.click()
    page.wait_for_url(f"**{WORKSHEET}")
    assert violations(page) == []

    page.get_by_label("Variant", exact=True).fill("chr22:36201698:A>C")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]+"))
    page.get_by_text("succeeded").first.wait_for(timeout=240_000)
    assert violations(page) == []

    report = page.frame_locator("iframe")
    picture = report.locator("img").first
    picture.wait_for(timeout=30_000)
    assert picture.evaluate("image => image.naturalWidth") > 300
    assert "synthetic" in report.locator("body").inner_text().lower()


def test_a_mistake_stands_beside_its_field_and_keeps_what_was_typed(page):
    page.goto(WORKSHEET)
    page.get_by_label("Variant", exact=True).fill("chr22:36201698:A>")
    page.get_by_role("button", name="Run", exact=True).click()

    page.get_by_text("The alternate allele is missing").first.wait_for()
    assert page.get_by_label("Variant", exact=True).input_value() == "chr22:36201698:A>"
    assert violations(page) == []


def test_the_form_works_without_javascript(browser, workspace, brief):
    context = browser.new_context(java_script_enabled=False, base_url=workspace.url)
    page = context.new_page()
    page.goto(brief)
    page.get_by_label("N", exact=True).fill("2")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]+"))
    page.get_by_text("succeeded").first.wait_for(timeout=240_000)
    context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_their_width(browser, workspace, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, base_url=workspace.url)
    page = context.new_page()
    for address in ("/", WORKSHEET, "/projects/genomics/alphagenome"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    context.close()


def test_signing_in_gives_the_person_their_own_runs(browser, workspace, brief):
    context = browser.new_context(base_url=workspace.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(workspace.url + "/**")
    page.goto("/me")
    assert page.get_by_role("heading", level=1).is_visible()

    page.goto(brief)
    page.get_by_label("N", exact=True).fill("3")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]+"))
    run = page.url.rsplit("/", 1)[-1]
    page.get_by_text("succeeded").first.wait_for(timeout=240_000)
    page.goto("/me")
    assert page.locator(f'a[href$="/runs/{run}"]').first.is_visible()
    assert (workspace.home / "storage" / "home" / "admin" / "runs" / run / "report.html").exists()
    context.close()
