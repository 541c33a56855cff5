"""The pages of groups in a real browser: no WCAG 2.2 AA violation, light or dark, wide or small."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import uvicorn

from tests.conftest import CHECKOUT, free_port, wait_for
from tests.groups.conftest import ADA

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def address(app) -> Iterator[str]:
    """The pages, served to browsers."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, seconds=20, what="the pages")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_of_groups_shuts_anybody_out(place, sign_in, browser, address, scheme, width):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "writer")
    place.project(name)
    cookies = [
        {"name": cookie.name, "value": cookie.value or "", "url": address}
        for cookie in sign_in("ada").cookies.jar
    ]
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    context.add_cookies(cookies)
    page = context.new_page()

    for path, heading in (("/groups", "Groups"), (f"/groups/{name}", name)):
        page.goto(address + path)
        assert page.inner_text("h1") == heading
        for summary in page.locator("main summary").all():
            summary.click()
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
