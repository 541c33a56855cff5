"""The report: readable, labelled, harmless and alone."""

from __future__ import annotations

import subprocess
import textwrap
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

HOSTILE = "<script>alert(1)</script><b>&"

OUTPUTS = """
from IPython.display import HTML, SVG, Javascript, Markdown, display
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'))
display(HTML('<table><thead><tr><th>&nbsp;</th><th>tissue</th></tr></thead><tbody><tr><th>colon</th><td>1</td></tr></tbody></table>'))
display(HTML('</div></main><script src="https://elsewhere.example/x.js"></script>'
             '<img src="//elsewhere.example/p.png" onerror="alert(1)"><a href="javascript:alert(1)">x</a>'
             '<link rel="stylesheet" href="https://elsewhere.example/s.css">'))
display(Javascript('alert(1)'))
display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}, 'text/plain': 'a slider'}, raw=True)
print('<i>printed</i>')
"""


class Page(HTMLParser):
    """What a browser would find in a page: (element, attributes) in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def outputs_report(make_bench: Any, cells: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a notebook with every kind of output."""
    bench = make_bench(tmp_path_factory.mktemp("outputs"))
    bench.write("a.ipynb", cells.prose("# My notebook"), cells.prose("## Figures"), cells.code(OUTPUTS))
    run = bench.run("a.ipynb", title="A run", report={"facts": [["Commit", "4f1c9aa"]]})
    assert run.exit_code == 0
    return str(run.report)


def test_it_asks_no_other_host_and_runs_no_script(outputs_report: str) -> None:
    page = Page(outputs_report)

    assert [tag for tag, _ in page.elements if tag in {"script", "link", "iframe", "object", "base"}] == []
    sources = [
        value or "" for _, attributes in page.elements for name, value in attributes.items() if name == "src"
    ]
    assert all(source.startswith("data:") for source in sources)
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
    assert [a for a in page.all("a") if "javascript" in (a.get("href") or "")] == []
    assert "default-src 'none'" in (page.all("meta")[2]["content"] or "")


def test_it_is_labelled_for_those_who_do_not_see_it(outputs_report: str) -> None:
    page = Page(outputs_report)

    assert page.all("html") == [{"lang": "en"}]
    assert {image["alt"] for image in page.all("img")} == {"Figure: Figures"}
    assert [header["scope"] for header in page.all("th")] == ["col", "row", "row"]
    assert [tag for tag, _ in page.elements if tag in {"h1", "h2", "h3"}] == ["h1", "h2", "h2"]


def test_it_holds_results_and_facts_but_no_code(outputs_report: str) -> None:
    report = outputs_report

    assert "4f1c9aa" in report
    assert "a slider" in report
    assert "An interactive output was left out" in report
    assert "import HTML" not in report
    assert "My notebook" not in report


def test_it_is_small(outputs_report: str) -> None:
    assert len(outputs_report) < 12_000


def test_everything_that_people_type_is_text(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb", cells.code("name = ''", "parameters"), cells.code("print(name)\nraise ValueError(name)")
    )

    run = bench.run(
        "a.ipynb",
        title=HOSTILE,
        parameters={"name": HOSTILE},
        notices=[HOSTILE],
        report={"facts": [[HOSTILE, HOSTILE]], "parameter_titles": {"name": HOSTILE}},
    )

    assert run.exit_code == 3
    assert "<script" not in run.report
    assert "<b>" not in run.report
    assert run.report.count("&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&amp;") >= 7


def test_notices_stand_before_the_results(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("print('result')"))

    report = bench.run("a.ipynb", notices=["Synthetic: these figures show only how it works."]).report

    assert report.index("Synthetic: these") < report.index('class="printed"')


def test_an_author_can_leave_cells_out(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb",
        cells.code("print('check')", "remove-output"),
        cells.code("print('shown')"),
        cells.code("1", "remove-cell"),
    )

    report = bench.run("a.ipynb").report

    assert "check" not in report
    assert "shown" in report


def test_a_rehearsal_leaves_no_template_to_compile(environment_python: Path) -> None:
    rehearsal = """
        import sys

        from hub.notebook_runner.run import load_package

        load_package(Path("hub/notebook_runner"))
        report = importlib.import_module("notebook_runner.report")
        report.rehearse()
        before = jinja2.Environment.compile
        jinja2.Environment.compile = lambda self, *what, **how: sys.exit("a template was compiled again")
        report.rehearse()
        jinja2.Environment.compile = before
        report.compiled_templates = report.CompiledTemplates()
        jinja2.Environment.compile = lambda self, *what, **how: sys.exit(3)
        report.rehearse()
    """
    checkout = Path(__file__).parents[2]
    program = "import importlib, jinja2\nfrom pathlib import Path\n" + textwrap.dedent(rehearsal)

    ended = subprocess.run(
        [environment_python, "-c", program],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (3, "")  # a stranger to them would have to compile them
