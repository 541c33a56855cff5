"""The pages of batches in a real browser: they shut nobody out, and follow a run by themselves."""

from __future__ import annotations

import json

import pytest

from tests.conftest import CHECKOUT
from tests.landing.test_batches import MANIFEST, PARAMETERS, TABLE
from tests.publishing import notebook

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DONE = [
    {"row": 1, "state": "done", "effect": 0.25, "gene": "APOL1", "tissue": "transverse colon"},
    {"row": 2, "state": "failed", "error": "The model did not answer."},
    {"row": 3, "state": "done", "effect": -1.5312345, "gene": "MYH9", "tissue": "right lobe of liver"},
]


@pytest.fixture(scope="module")
def project(house) -> str:
    """A project whose worksheet takes batches."""
    return house.publish({"a.ipynb": notebook(parameters=PARAMETERS), "workspace.yaml": MANIFEST})


@pytest.fixture
def open_page(browser, house, address):
    """Open a page as somebody new, whose errors and requests of other hosts are kept."""
    contexts, foreign, errors = [], [], []
    identity, signed_in = house.person()
    cookies = [{"name": c.name, "value": c.value or "", "url": address} for c in signed_in.cookies.jar]

    def opened(path: str, scheme: str = "light", width: int = 1280):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, base_url=address
        )
        contexts.append(context)
        context.add_cookies(cookies)
        context.on(
            "request", lambda r: None if r.url.startswith((address, "data:")) else foreign.append(r.url)
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        return page

    opened.home = house.workspace.layout.home(identity.user)
    yield opened
    for context in contexts:
        context.close()
    assert foreign == []
    assert errors == []


def checked(page, project: str) -> None:
    """Upload the table by hand."""
    page.goto(f"/projects/{project}/worksheets/a.ipynb")
    page.get_by_role("link", name="Upload a table").click()
    page.set_input_files(
        "#table", {"name": "变异 table.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    page.get_by_role("button", name="Check the table").click()
    page.wait_for_url("**/batches/*")


def journal_of(home, page, lines) -> None:
    """Write what a run would have."""
    folder = home / "batches" / page.url.rpartition("/")[2]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def violations(page) -> list:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_page_of_batches_shuts_anybody_out(house, project, open_page, scheme, width):
    page = open_page(f"/batches/new?project={project}&notebook=a.ipynb", scheme, width)
    assert violations(page) == []

    checked(page, project)
    assert page.get_by_text("Line 3: hg38 has no chromosome").is_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Run 3 rows").click()
    page.get_by_text("Waiting for its turn").wait_for()
    assert violations(page) == []

    journal_of(open_page.home, page, DONE)
    page.get_by_text("2 of 3 rows done, 1 failed").wait_for()
    address = page.url
    run_id = page.get_by_role("link", name="Waiting for its turn").get_attribute("href").rpartition("/")[2]
    house.bench.running(run_id)
    page.get_by_text("running", exact=True).wait_for()
    house.bench.change(run_id, state="succeeded")
    page.get_by_text("finished", exact=True).wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.get_by_label("Size of effect at least").fill("1")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**least=1*")
    assert page.locator("table.ranked tbody tr").count() == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert "chr22:36201702:G>T" in download.value.path().read_text(encoding="utf-8-sig")
    page.goto("/batches")
    assert violations(page) == []
    assert address.rpartition("/")[2] in page.content()
