"""Makes a rendered notebook page safe, accessible and self-contained."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup

# Elements that run code or ask other hosts; a report is a document.
FORBIDDEN = ["script", "iframe", "object", "embed", "link", "base", "form", "meta"]
LOADING_ATTRIBUTES = ["src", "srcset", "poster", "background", "data", "xlink:href"]
_REMOTE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"^\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)


def tidy_page(page: str) -> str:
    """Return the page with the notebook's own HTML made harmless, tables labelled and first headings demoted.

    Only what stands in ``main`` is changed: the page around it is ours.
    """
    soup = BeautifulSoup(page, "html.parser")
    main = soup.find("main")
    remove_active(main)
    demote_headings(main)
    label_tables(soup, main)
    describe_images(main)
    return str(soup)


def remove_active(main: Any) -> None:
    """Take out scripts, frames and forms, event attributes and everything that would be loaded from elsewhere."""
    for element in main(FORBIDDEN):
        element.decompose()
    for element in main(True):
        for name in [name for name in element.attrs if name.lower().startswith("on")]:
            del element[name]
        for name in LOADING_ATTRIBUTES:
            if _REMOTE.match(str(element.get(name, ""))):
                del element[name]
                element["title"] = "Not shown: it would be loaded from another host."
        if _SCRIPT_URL.match(str(element.get("href", ""))):
            del element["href"]


def demote_headings(main: Any) -> None:
    """Keep the report's title the only first-level heading."""
    for heading in main("h1"):
        if heading.parent.name != "header":
            heading.name = "h2"


def label_tables(soup: Any, main: Any) -> None:
    """Say of each header cell whether it heads a column or a row, and let wide tables scroll by themselves."""
    for table in main("table"):
        for header in table("th"):
            if not header.has_attr("scope"):
                header["scope"] = "col" if header.find_parent("thead") else "row"
        if table.find_parent("table") is None and table.find_parent("header") is None:
            table.wrap(soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0"}))


def describe_images(main: Any) -> None:
    """Give pictures that the exporter left undescribed the name of the heading above them."""
    for image in main("img"):
        if image.get("alt", "").startswith("No description has been provided"):
            heading = image.find_previous(["h1", "h2", "h3", "h4"])
            image["alt"] = f"Figure: {heading.get_text(strip=True)}" if heading else "Figure"
