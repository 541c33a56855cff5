"""Files of the home and of shares as inputs of runs."""

from __future__ import annotations

import os

import pytest

from tests.runs.conftest import ADA, VISITOR
from workspace_api.errors import InvalidInputError

MANIFEST = """worksheets:
  - notebook: a.ipynb
    parameters:
      table: {type: string, format: file, contentMediaType: text/csv}
"""
READS = "print(table)\nopen('said.txt', 'w').write(open(table).read())"


@pytest.fixture(scope="module")
def path(bench):
    """A worksheet that reads a table; one comes with it."""
    more = {"workspace__yaml": MANIFEST, "example__csv": "of the project"}
    return bench.project_with(READS, parameters="table = 'example.csv'", **more)


def put(bench, name: str, text: str) -> None:
    home = bench.home()
    (home / name).write_text(text)
    if os.geteuid() == 0:
        os.chown(home / name, home.stat().st_uid, home.stat().st_gid)


def said(bench, run, user: str) -> str:
    return (bench.home(user) / "runs" / run.id / "outputs" / "said.txt").read_text()


def test_a_run_finds_the_file_that_was_chosen(bench, path):
    put(bench, "mine.csv", "of ada")
    with bench.worker():
        chosen = bench.await_end(bench.request(path, table="mine.csv"))
        default = bench.await_end(bench.request(path))
    assert [run.error for run in (chosen, default)] == [None, None]
    assert chosen.parameters == {"table": "~/mine.csv"}
    assert said(bench, chosen, "ada") == "of ada"
    assert said(bench, default, "ada") == "of the project"


def test_the_same_name_with_other_content_is_another_run(bench, path):
    def ask():
        return bench.workspace.runs.request(ADA, path, "a.ipynb", values={"table": "~/changing.csv"})

    put(bench, "changing.csv", "one")
    with bench.worker():
        first = bench.await_end(ask().run)
    assert ask().reused
    put(bench, "changing.csv", "two")
    again = ask()
    assert not again.reused
    bench.workspace.runs.cancel(ADA, again.run.id)
    put(bench, "changing.csv", "one")
    assert ask().run.id == first.id


@pytest.mark.parametrize(
    ("who", "table", "words"),
    [
        (ADA, "~/nothing.csv", "There is no file “~/nothing.csv” that you may read"),
        (ADA, "/shared/nobody/a.csv", "There is no file"),
        (ADA, "/etc/passwd", "is not a file you can choose"),
        (VISITOR, "~/mine.csv", "Without an account only files below /shared/public"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_beside_its_field(bench, path, who, table, words):
    with pytest.raises(InvalidInputError) as refusal:
        bench.workspace.runs.request(who, path, "a.ipynb", values={"table": table})
    [error] = refusal.value.errors
    assert error.field == "table"
    assert words in error.message
