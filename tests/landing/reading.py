"""Reads a page as a browser would: what it would execute, where its links and forms lead, what it says."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

OUTSIDE = ("javascript:", "data:", "vbscript:", "//")
ADDRESSES = ("href", "src", "action", "formaction", "srcdoc", "data", "poster", "xlink:href")
NEVER = frozenset({"base", "object", "embed", "applet", "frame", "style"})
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """A page, taken apart: `tags` with their attributes, and the `text` between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.pieces.append(data)

    @property
    def text(self) -> str:
        """What the page says, with single blanks."""
        return " ".join("".join(self.pieces).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of every `tag` that has `attributes`."""
        return [own for name, own in self.tags if name == tag and attributes.items() <= own.items()]

    def one(self, tag: str, **attributes: str) -> dict[str, str]:
        """Return the attributes of the only such `tag`."""
        (found,) = self.all(tag, **attributes)
        return found

    def actions(self) -> list[str]:
        """Return where the page's forms lead, but for the sign-out."""
        return [form["action"] for form in self.all("form") if form["action"] != "/logout"]

    def active(self) -> list[str]:
        """Return what would be executed or loaded from elsewhere; nothing, on a page of ours."""
        found = []
        for tag, attributes in self.tags:
            if tag in NEVER or (tag == "script" and not attributes.get("src", "").startswith("/static/")):
                found.append(tag)
            if tag == "iframe" and attributes.get("sandbox") != "":
                found.append("iframe without sandbox")
            for name, value in attributes.items():
                loads = name in ADDRESSES and value.strip().lower().startswith(OUTSIDE)
                if name.startswith("on") or name == "style" or loads:
                    found.append(f"{tag} {name}={value[:60]}")
        return found


def send(browser: TestClient, page: str, action: str, **fields: Any) -> Any:
    """Send a form that stands on a page, with `fields` (`p_n` is the parameter n) filled in."""
    html = browser.get(page).text
    assert action in Page(html).actions()
    token = html.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    named = {name.replace("p_", "p.", 1) if name.startswith("p_") else name: v for name, v in fields.items()}
    return browser.post(action, data={"csrf": token, **named})
