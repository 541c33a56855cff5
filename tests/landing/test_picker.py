"""Choosing a file for a worksheet's field, without JavaScript."""

from __future__ import annotations

import html
import os
import re

import gitlab
import pytest

from tests.forge.conftest import ROOT_TOKEN
from tests.landing.conftest import signed_in
from tests.publishing import commit, notebook

MANIFEST = """worksheets:
  - notebook: a.ipynb
    parameters:
      table: {type: string, format: file, contentMediaType: text/csv, title: Table}
      more: {type: array, items: {type: string, format: file}, title: More}
"""


@pytest.fixture(scope="module")
def sheet(seeded):
    """The address of a worksheet that takes files."""
    root = gitlab.Gitlab(seeded.forge_url, private_token=ROOT_TOKEN, keep_base_url=True)
    name = "f" + os.urandom(4).hex()
    group = root.groups.create({"name": name, "path": name, "visibility": "public"})
    made = root.projects.create({"name": "files", "namespace_id": group.id, "visibility": "public"})
    cell = "table = 'example.csv'\nmore = []\nwords = 'said'"
    commit(made, {"a.ipynb": notebook("1", parameters=cell), "workspace.yaml": MANIFEST})
    return f"/projects/{name}/files/worksheets/a.ipynb"


@pytest.fixture
def home(workspace):
    home = workspace.layout.home("eve")
    for path in ("data/a.csv", "data/b.txt", "top.csv"):
        (home / path).parent.mkdir(exist_ok=True)
        (home / path).write_text("x")
    if os.geteuid() == 0:
        uid = workspace.people.get("eve").uid
        for each in (home, *home.rglob("*")):
            os.chown(each, uid, uid)
    return home


def csrf(page: str) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


def shown(page: str, name: str) -> list[str]:
    """Return the values of the buttons `name`."""
    return [html.unescape(value) for value in re.findall(rf'name="{name}" value="([^"]*)"><span', page)]


def test_from_the_form_through_folders_and_back_with_everything_typed(app, sheet, home):
    eve = signed_in(app, "eve")
    form = eve.get(sheet).text
    assert 'aria-label="Choose a file for Table"' in form
    typed = {"csrf": csrf(form), "p.words": "a “quoted”\ntext", "p.table": "", "title": "My run"}
    top = eve.post(f"{sheet}/pick?field=table", data=typed).text
    assert shown(top, "at") == ["~", "/shared/public"]
    inside = eve.post(f"{sheet}/pick?field=table", data={**typed, "at": "~"}).text
    assert shown(inside, "chosen") == ["~/top.csv"]
    folder = eve.post(f"{sheet}/pick?field=table", data={**typed, "at": "~/data"}).text
    assert shown(folder, "chosen") == ["~/data/a.csv"]
    every = eve.post(f"{sheet}/pick?field=table", data={**typed, "at": "~/data", "every": "1"}).text
    assert shown(every, "chosen") == ["~/data/a.csv", "~/data/b.txt"]
    assert 'name="p.words" value="a “quoted”\ntext"' in every
    back = eve.post(f"{sheet}/pick?field=table", data={**typed, "chosen": "~/data/a.csv"}).text
    assert 'value="~/data/a.csv"' in back
    assert "a “quoted”" in back
    assert 'value="My run"' in back


def test_a_second_file_joins_the_first_in_a_list(app, sheet, home):
    eve = signed_in(app, "eve")
    token = csrf(eve.get(sheet).text)
    sent = {"csrf": token, "p.more": "~/top.csv", "chosen": "~/data/b.txt"}
    assert 'value="~/top.csv, ~/data/b.txt"' in eve.post(f"{sheet}/pick?field=more", data=sent).text


@pytest.mark.parametrize("at", ["~/../ada", "/etc", "/shared/secret", "~/nothing"])
def test_what_is_not_theirs_is_told_and_the_top_shown(app, sheet, home, at):
    eve = signed_in(app, "eve")
    page = eve.post(f"{sheet}/pick?field=table", data={"csrf": csrf(eve.get(sheet).text), "at": at}).text
    assert "that you may read" in page
    assert shown(page, "at") == ["~", "/shared/public"]


def test_a_visitor_chooses_from_what_is_public(app, visitor, sheet, workspace):
    (workspace.layout.public / "open.csv").write_text("x")
    token = csrf(visitor.get(sheet).text)
    page = visitor.post(f"{sheet}/pick?field=table", data={"csrf": token, "at": "/shared/public"}).text
    assert shown(page, "chosen") == ["/shared/public/open.csv"]
    assert "Without an account" in page


def test_a_field_says_at_once_that_its_file_is_not_there(app, sheet, home):
    eve = signed_in(app, "eve")
    sent = {"csrf": csrf(eve.get(sheet).text), "p.table": "~/nothing.csv"}
    assert "There is no file “~/nothing.csv”" in eve.post(f"{sheet}/validate?field=table", data=sent).text
    sent["p.table"] = "top.csv"
    assert "~/top.csv" in eve.post(f"{sheet}/validate?field=table", data=sent).text


def test_only_fields_of_files_can_be_picked_for(app, sheet, home):
    eve = signed_in(app, "eve")
    sent = {"csrf": csrf(eve.get(sheet).text)}
    assert eve.post(f"{sheet}/pick?field=words", data=sent).status_code == 404


def test_the_api_lists_folders_too(app, home):
    answer = signed_in(app, "eve").get("/api/v1/files", params={"path": "~/data", "ending": ".csv"})
    assert [item["path"] for item in answer.json()["items"]] == ["~/data/a.csv"]
