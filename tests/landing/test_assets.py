"""What pages load: addressed by its content, and kept for ever under that address."""

from __future__ import annotations

import gzip

import pytest

from tests.landing.reading import Page


@pytest.fixture(scope="module")
def browser(house):
    return house.visitor()


def addresses(browser) -> list[str]:
    page = Page(browser.get("/").text)
    loaded = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
    return [address for address in loaded if address.startswith("/static/")]


def test_the_address_names_the_content_which_is_kept_for_ever(browser):
    for address in addresses(browser):
        answer = browser.get(address)
        digest = address.partition("?v=")[2]

        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["etag"] == f'"{digest}"'
        assert "set-cookie" not in answer.headers


def test_an_address_of_other_content_is_asked_again(browser):
    for address in ("/static/labfork.css", "/static/labfork.css?v=0123456789abcdef", "/favicon.ico"):
        assert browser.get(address).headers["cache-control"] == "no-cache"


def test_a_browser_that_has_it_is_not_sent_it_again(browser):
    etag = browser.get("/static/page.js").headers["etag"]

    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        answer = browser.get("/static/page.js", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert browser.get("/static/page.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("labfork.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("vendor/htmx.js", "text/javascript; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ],
)
def test_each_has_its_type_and_is_sent_compressed_to_who_takes_that(browser, name, media_type):
    plain = browser.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})
    with browser.stream("GET", f"/static/{name}", headers={"Accept-Encoding": "br, gzip"}) as zipped:
        compressed = b"".join(zipped.iter_raw())

    assert plain.headers["content-type"] == media_type
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(compressed) == plain.content


@pytest.mark.parametrize(
    "name",
    ["", "none.css", "../app.py", "..%2fapp.py", "%2e%2e/%2e%2e/pyproject.toml", "vendor/", "/etc/passwd"],
)
def test_nothing_else_is_given(browser, name):
    assert browser.get(f"/static/{name}").status_code == 404
