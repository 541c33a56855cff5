"""Looks at pages in a real browser as people who do not see, or not well, meet them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.conftest import CHECKOUT, free_port, wait_for

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES = ("light", "dark")
WIDTHS = (320, 1280)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application to browsers while the block lasts; the value is its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, seconds=20, what="the pages")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def shut_out(
    browser: Any,
    address: str,
    signed_in: TestClient,
    pages: Mapping[str, str],
    then: Callable[[Any], None] = lambda _page: None,
) -> list[tuple[str, ...]]:
    """Return what is wrong with `pages` (path to heading) for somebody, light and dark, wide and small.

    `then` does something with each page, once all that can be unfolded on it is.
    """
    wrong: list[tuple[str, ...]] = []
    for scheme in SCHEMES:
        context = browser.new_context(color_scheme=scheme, bypass_csp=True)
        context.add_cookies(
            [{"name": c.name, "value": c.value or "", "url": address} for c in signed_in.cookies.jar]
        )
        page = context.new_page()
        for path, heading in pages.items():
            page.goto(address + path)
            assert page.inner_text("h1") == heading
            for summary in page.locator("main summary").all():
                summary.click()
            then(page)
            wrong += [(path, scheme, *each) for each in _looked_at(page)]
        context.close()
    return wrong


def shut_out_of_file(browser: Any, file: Path) -> list[tuple[str, ...]]:
    """Return what is wrong with a page that is a file and runs no scripts, such as the report of a run."""
    wrong: list[tuple[str, ...]] = []
    for scheme in SCHEMES:
        context = browser.new_context(color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(file.as_uri())
        wrong += [(scheme, *each) for each in _looked_at(page)]
        context.close()
    return wrong


def _looked_at(page: Any) -> list[tuple[str, ...]]:
    """Return what axe finds on a page as it is, wide and small, and whether it is wider than the window."""
    wrong: list[tuple[str, ...]] = []
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        asked = "rules => axe.run({runOnly: rules, resultTypes: ['violations']})"
        found = page.evaluate(asked, RULES)["violations"]
        wrong += [(each["id"], each["nodes"][0]["html"]) for each in found]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append((f"is wider than {width} px",))
    return wrong
