"""Other people's Markdown: what is kept of it, what is not, and where its links lead."""

from __future__ import annotations

import pytest

from landing.markdown import render_markdown
from tests.landing.reading import Page

COMMIT = "c" * 40


def rendered(text: str, folder: str = "") -> Page:
    return Page(render_markdown(text, "genomics/p", COMMIT, folder))


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href=' \x01javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='http://['>x</a>",
        "![x](http://[)",
        "<img src='x.png' onerror=alert(1)>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<img src='a.png' srcset='//elsewhere.example/x.png'>",
        "![x](//elsewhere.example/x.png) ![x](https://elsewhere.example/x.png)",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
        "<iframe src=/ srcdoc='<script>alert(1)</script>'></iframe><object data=/></object><embed src=/>",
        "<base href=//elsewhere.example><meta http-equiv=refresh content=0><link rel=stylesheet href=//e>",
        "<style>* { display: none }</style><p style='position: fixed'>x</p>",
        "<form action=/logout method=post><input name=csrf><button>Sign out</button></form>",
        "`</code><script>alert(1)</script>`\n\n```\n</pre><script>alert(1)</script>\n```",
    ],
)
def test_nothing_of_it_is_executed_loaded_from_elsewhere_or_sent(text):
    page = rendered(text)

    assert page.active() == []
    shown = {tag for tag, _ in page.tags}
    assert shown.isdisjoint({"script", "svg", "math", "iframe", "form", "input", "button", "meta", "link"})
    assert all("//" not in picture.get("src", "") for picture in page.all("img"))


def test_nothing_of_it_takes_the_place_of_a_part_of_the_page():
    page = rendered("<p id=main class=btn name=csrf>x</p><a href=a.ipynb target=_blank>y</a>")

    assert page.one("p") == {}
    assert set(page.one("a")) == {"href", "rel"}


def test_headings_begin_below_the_title_of_the_page():
    page = rendered("# One\n\n## Two\n\n###### Six\n\n<H1>Raw</H1>")

    assert [tag for tag, _ in page.tags] == ["h2", "h3", "h6", "h2"]


@pytest.mark.parametrize(
    ("target", "folder", "leads"),
    [
        ("a.ipynb", "", "a.ipynb"),
        ("a.ipynb", "docs", "docs/a.ipynb"),
        ("../a.ipynb#results", "docs", "a.ipynb"),
        ("/a.ipynb", "docs", "a.ipynb"),
        ("with%20blank.ipynb", "", "with%20blank.ipynb"),
        ("%23one%3F.ipynb", "", "%23one%3F.ipynb"),
    ],
)
def test_a_relative_link_leads_to_the_notebook_at_the_same_commit(target, folder, leads):
    link = rendered(f"[x]({target})", folder).one("a")

    assert link["href"] == f"/projects/genomics/p/notebooks/{leads}?ref={COMMIT}"


@pytest.mark.parametrize("target", ["../a.ipynb", "/../a.ipynb", "%2e%2e/a.ipynb", "notes.md", "#here", ""])
def test_a_link_to_what_has_no_page_leads_nowhere(target):
    assert "href" not in rendered(f"<a href='{target}'>x</a>").one("a")


def test_links_to_other_hosts_stay_and_do_not_tell_where_one_comes_from():
    for address in ("https://example.org/a.ipynb", "HTTP://example.org", "mailto:ada@example.org"):
        assert rendered(f"[x]({address})").one("a") == {"href": address, "rel": "noopener noreferrer"}


def test_pictures_are_those_of_the_project_at_the_same_commit():
    shown = rendered("![A plot](figures/a%20b.PNG)", "docs").one("img")

    assert shown["src"] == f"/projects/genomics/p/pictures/docs/figures/a%20b.PNG?ref={COMMIT}"
    assert shown["alt"] == "A plot"
    assert "src" not in rendered("![x](drawing.svg)").one("img")
    assert "src" not in rendered("![x](../a.png)").one("img")


def test_wide_tables_and_code_are_reached_by_keyboard():
    page = rendered("| a |\n|---|\n| b |\n\n```\nx\n```")

    assert page.one("table")["tabindex"] == page.one("pre")["tabindex"] == "0"


def test_a_long_text_is_cut_and_says_so():
    page = rendered("word " * 100_000)

    assert len(page.text) < 110_000
    assert page.text.endswith("the rest of this text is left out.")


def test_html_that_would_grow_without_measure_is_shown_as_text():
    opened = "".join(f"<b title={number}>" for number in range(800))
    page = rendered(f"<p>{opened}</p>" + "<p>x</p>" * 4000)

    assert page.all("b") == []
    assert len(page.tags) < 100
    assert page.text.startswith("<p><b title=0>")


def test_ordinary_html_in_a_long_readme_stays_html():
    people = "".join(
        f"<tr><td><a href='https://example.org/{n}'><b>P{n}</b></a></td></tr>" for n in range(150)
    )
    page = rendered(f"<table>{people}</table>\n\n" + "A paragraph with `code` and *words*.\n\n" * 300)

    assert len(page.all("a")) == 150
