"""Other people's Markdown as HTML that can do nothing but be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from posixpath import normpath
from urllib.parse import SplitResult, quote, unquote, urlsplit

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
MOST_TEXT = 100_000  # a text made to be slow takes seconds at this length, and minutes at ten times as much
LEFT_OUT = "\n\n… the rest of this text is left out."
# An element of these that stays open is opened again in every paragraph after it: few bytes become gigabytes.
_REOPENED = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
MOST_REOPENED = 2_000_000
_HEADING = re.compile(r"<(/?)h([1-6])\b", re.IGNORECASE)


def render_markdown(text: str, project: str, commit: str, folder: str = "") -> Markup:
    """Return `text` as sanitised HTML whose headings begin at the second level.

    Links and pictures that are relative lead into `project` at `commit`, seen from `folder`; a picture from
    another host is left out, since no page asks anything of other hosts. A long text is cut; one whose own
    HTML would grow without measure is shown with that HTML as text.
    """
    text = text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + LEFT_OUT
    html = _PARSER.render(text)
    if len(_REOPENED.findall(text)) * html.count("<") > MOST_REOPENED:
        html = _WITHOUT_HTML.render(text)
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
    parts = _parts(address)
    if parts is None:
        return None
    if parts.scheme or parts.netloc:
        return address
    path = _inside(parts.path, folder)
    if path is None or not path.endswith(".ipynb"):
        return None
    return f"/projects/{project}/notebooks/{quote(path)}?ref={commit}"


def picture_at(address: str, project: str, commit: str, folder: str) -> str | None:
    """Return the address of a picture that lies in the project; None for any other."""
    parts = _parts(address)
    if parts is None or parts.scheme or parts.netloc:
        return None
    path = _inside(parts.path, folder)
    if path is None or not path.lower().endswith(PICTURES):
        return None
    return f"/projects/{project}/pictures/{quote(path)}?ref={commit}"


def _parts(address: str) -> SplitResult | None:
    """Return the parts of an address; None for what cannot be one, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


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
_WITHOUT_HTML = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
