"""Other people's Markdown as HTML that can do nothing but be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "kbd", "li", "ol", "p", "pre", "s", "samp", "small", "span", "strong",
    "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "th": {"scope"}, "ol": {"start"}}
REACHED_BY_KEYBOARD = {"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}}  # wide ones scroll sideways
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_HEADING = re.compile(r"<(/?)h([1-6])\b", re.IGNORECASE)


def render_markdown(text: str, project: str, commit: str, folder: str = "") -> Markup:
    """Return `text` as sanitised HTML whose headings begin at the second level.

    Links and pictures that are relative lead into `project` at `commit`, seen from `folder`; a picture from
    another host is left out, since no page asks anything of other hosts.
    """
    html = _PARSER.render(text)
    clean = nh3.clean(
        _HEADING.sub(_one_lower, html),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values=REACHED_BY_KEYBOARD,
        link_rel="noopener noreferrer",
        attribute_filter=_resolver(project, commit, folder),
    )
    return Markup(clean)  # noqa: S704 - sanitised in the line above


def _resolver(project: str, commit: str, folder: str) -> Callable[[str, str, str], str | None]:
    def resolve(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return link_to(value, project, commit, folder)
        if attribute == "src":
            return picture_at(value, project, commit, folder)
        return value

    return resolve


def link_to(address: str, project: str, commit: str, folder: str) -> str | None:
    """Return where a link leads: other hosts as they are, notebooks to their page; None for the rest."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return address
    path = _inside(parts.path, folder)
    if path is None or not path.endswith(".ipynb"):
        return None
    return f"/projects/{project}/notebooks/{quote(path)}?ref={commit}"


def picture_at(address: str, project: str, commit: str, folder: str) -> str | None:
    """Return the address of a picture that lies in the project; None for any other."""
    parts = urlsplit(address)
    path = _inside(parts.path, folder)
    if parts.scheme or parts.netloc or path is None or not path.lower().endswith(PICTURES):
        return None
    return f"/projects/{project}/pictures/{quote(path)}?ref={commit}"


def _inside(path: str, folder: str) -> str | None:
    """Return a relative path as seen from the project's root; None where it leads out of it."""
    path = unquote(path)
    if not path:
        return None
    whole = normpath(path.lstrip("/") if path.startswith("/") else f"{folder}/{path}".lstrip("/"))
    return None if whole.startswith("..") else whole


def _one_lower(match: re.Match[str]) -> str:
    return f"<{match[1]}h{min(6, int(match[2]) + 1)}"


_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
