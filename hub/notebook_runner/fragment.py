"""Makes a piece of a notebook's own HTML safe, accessible and self-contained."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup  # type: ignore[import-not-found,unused-ignore]

# Elements that run code, ask other hosts or speak for the whole page; a report is a document.
FORBIDDEN = [
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "meta",
    "title",
    "noscript",
]
LOADING_ATTRIBUTES = ["src", "srcset", "poster", "background", "data", "xlink:href"]
_REMOTE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"^\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)


def harmless(html: str, heading: str = "") -> str:
    """Return ``html`` with every tag closed, nothing active, tables labelled and pictures described.

    ``heading`` describes pictures that have no alternative text of their own.
    """
    soup = BeautifulSoup(html, "html.parser")
    remove_active(soup)
    demote_headings(soup)
    label_tables(soup)
    for image in soup("img"):
        image["alt"] = image.get("alt") or figure_words(heading)
    return str(soup)


def figure_words(heading: str) -> str:
    """Return the alternative text of a picture under ``heading``."""
    return f"Figure: {heading}" if heading else "Figure"


def remove_active(soup: Any) -> None:
    """Take out scripts, frames, forms, event attributes and what would be loaded from elsewhere."""
    for element in soup(FORBIDDEN):
        element.decompose()
    for element in soup(True):
        for name in [name for name in element.attrs if name.lower().startswith("on")]:
            del element[name]
        for name in LOADING_ATTRIBUTES:
            if _REMOTE.match(str(element.get(name, ""))):
                del element[name]
                element["title"] = "Not shown: it would be loaded from another host."
        if _SCRIPT_URL.match(str(element.get("href", ""))):
            del element["href"]


def demote_headings(soup: Any) -> None:
    """Leave the first level to the report's title."""
    for heading in soup("h1"):
        heading.name = "h2"


def label_tables(soup: Any) -> None:
    """Say of each header cell whether it heads a column or a row, if anything; let wide tables scroll."""
    for table in soup("table"):
        for header in table("th"):
            if not header.get_text(strip=True):
                header.name = "td"
            elif not header.has_attr("scope"):
                header["scope"] = "col" if header.find_parent("thead") else "row"
        if table.find_parent("table") is None:
            table.wrap(soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0"}))
