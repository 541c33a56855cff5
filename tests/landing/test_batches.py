"""Batches on pages: a table is checked, started, followed, narrowed and saved, all without JavaScript."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from contextlib import suppress

import openpyxl
import pytest

from auth.identity import Identity
from tests.kills import killed_at_each_moment
from tests.landing.conftest import ADMIN
from tests.landing.reading import HOSTILE, Page, send
from tests.publishing import notebook
from workspace_api.batches.models import Batch
from workspace_api.batches.sources import Sent
from workspace_api.errors import ConflictError
from workspace_api.runs.models import RunState
from workspace_api.workspace import Workspace

PARAMETERS = (
    'variants: str = "example.csv"\njournal: str | None = None\nagain: bool = False\nwindow: int = 16384'
)
MANIFEST = """
title: Batches
worksheets:
  - notebook: a.ipynb
    title: Many variants
    batch: {table: variants, journal: journal, retry: again, rank: effect}
    parameters:
      variants: {type: string, format: file}
      journal: {type: [string, "null"], format: file}
      again: {type: boolean}
      window: {type: integer, enum: [16384, 131072], title: Window}
"""
TABLE = (
    "chrom;pos;ref;alt;id\r\nchr22;36201698;A;C;rs1\r\nchr99;1;A;C;\r\nchr22;36201700;G;T;\r\n"
    "chr22;36201702;G;T;rs3\r\n"
)


@pytest.fixture(scope="module")
def project(house) -> str:
    """A project whose worksheet takes batches."""
    return house.publish({"a.ipynb": notebook(parameters=PARAMETERS), "workspace.yaml": MANIFEST})


def uploaded(browser, project: str, table: str | bytes, name: str = "my table.csv", **more):
    """Send the form of the upload page, and return the answer."""
    page = browser.get(f"/batches/new?project={project}&notebook=a.ipynb").text
    token = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    data = {"csrf": token, "project": project, "notebook": "a.ipynb", **more}
    return browser.post("/batches", data=data, files={"table": (name, table)})


@pytest.fixture
def batch(house, project):
    """A person, their browser, and the address of a checked batch of theirs."""
    identity, browser = house.person()
    answer = uploaded(browser, project, TABLE)
    assert answer.status_code == 303
    return identity, browser, answer.headers["location"]


def started(house, batch) -> str:
    """Start a batch by its form, and return its run's id."""
    _, browser, address = batch
    assert send(browser, address, f"{address}/start", p_window="16384").status_code == 303
    return re.search(r"/runs/([0-9a-f]{16})", browser.get(address).text)[1]


def journal_of(house, batch, *lines: dict) -> None:
    """Write what a run would have."""
    identity, _, address = batch
    folder = house.workspace.layout.home(identity.user) / "batches" / address.rpartition("/")[2]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def shown(browser, address: str) -> Page:
    answer = browser.get(address)
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.active() == []
    return page


def test_the_worksheet_offers_an_upload_and_hides_the_journal(house, project):
    _, browser = house.person()
    page = shown(browser, f"/projects/{project}/worksheets/a.ipynb")

    assert page.all(
        "a", href=f"/batches/new?project={project.replace('/', '%2F')}&notebook=a.ipynb"
    ) or page.all("a", href=f"/batches/new?project={project}&notebook=a.ipynb")
    assert page.all("input", id="f-variants")
    assert page.all("input", id="f-journal") == []
    assert page.all("input", id="f-again")


def test_a_checked_batch_shows_what_is_wrong_line_by_line_and_starts_nothing(house, batch):
    identity, browser, address = batch
    page = shown(browser, address)

    assert "Offline model: figures are synthetic" in page.text
    assert "3 rows of my table.csv" in page.text
    assert "1 row was left out" in page.text
    assert "Line 3: hg38 has no chromosome “chr99”" in page.text
    assert "chr22:36201702:G>T" in page.text
    assert f"{address}/start" in page.actions()
    assert page.all("input", name="p.variants") == []
    assert house.workspace.runs.list(identity).total == 0


def test_the_table_is_kept_in_the_home_of_its_owner(house, batch):
    identity, _, address = batch
    folder = house.workspace.layout.home(identity.user) / "batches" / address.rpartition("/")[2]

    assert sorted(path.name for path in folder.iterdir()) == [
        "journal.jsonl",
        "uploaded-my table.csv",
        "variants.tsv",
    ]
    assert (folder / "uploaded-my table.csv").read_bytes() == TABLE.encode()
    assert (folder / "variants.tsv").read_text().splitlines()[1] == "1\t2\tchr22:36201698:A>C\trs1\t"


def test_a_wrong_value_is_told_beside_its_field_and_nothing_is_started(house, batch):
    identity, browser, address = batch
    answer = send(browser, address, f"{address}/start", p_window="5")

    assert answer.status_code == 422
    assert "“5” is not a choice" in Page(answer.text).text
    assert house.workspace.runs.list(identity).total == 0


def test_one_run_is_given_the_table_and_the_journal(house, batch):
    identity, browser, address = batch
    run = house.workspace.runs.get(identity, started(house, batch))
    folder = f"~/batches/{address.rpartition('/')[2]}"

    assert run.parameters == {
        "variants": f"{folder}/variants.tsv",
        "journal": f"{folder}/journal.jsonl",
        "again": False,
        "window": 16384,
    }
    assert run.title == "my table.csv"
    assert "This run works through the rows of a batch." in shown(browser, f"/runs/{run.id}").text
    assert f"{address}/stop" in shown(browser, address).actions()
    assert shown(browser, address).one("meta", **{"http-equiv": "refresh"})["content"] == "5"


def test_a_batch_under_way_is_not_started_twice(house, batch):
    identity, browser, address = batch
    page = browser.get(address).text
    started(house, batch)
    token = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    again = browser.post(f"{address}/start", data={"csrf": token, "p.window": "16384"})

    assert again.status_code == 409
    assert "under way already" in Page(again.text).text
    assert house.workspace.runs.list(identity).total == 1


def test_rows_are_shown_ranked_and_can_be_narrowed_sorted_and_saved(house, batch):
    _, browser, address = batch
    house.bench.running(started(house, batch))
    journal_of(
        house,
        batch,
        {"row": 1, "state": "done", "effect": 0.25, "gene": HOSTILE},
        {"row": 2, "state": "failed", "error": "The model did not answer."},
        {"row": 3, "state": "done", "effect": -1.5, "gene": "MYH9"},
    )
    page = shown(browser, address)

    assert "2 of 3 rows done, 1 failed" in page.text
    assert page.text.index("chr22:36201702:G>T") < page.text.index("chr22:36201698:A>C")
    assert "The model did not answer." in page.text
    assert "chr22:36201698" not in shown(browser, f"{address}?state=failed").text
    assert "MYH9" in shown(browser, f"{address}?least=1").text
    assert HOSTILE[:20] not in shown(browser, f"{address}?least=1").text
    up = shown(browser, f"{address}?sort=effect&order=up")
    assert up.text.index("chr22:36201702") < up.text.index("chr22:36201698")
    assert "No row is like that." in shown(browser, f"{address}?q=nowhere").text

    saved = browser.get(f"/api/v1{address}/table?state=done&sort=effect&order=down")
    rows = list(csv.DictReader(io.StringIO(saved.content.decode("utf-8-sig"))))
    assert [row["variant"] for row in rows] == ["chr22:36201698:A>C", "chr22:36201702:G>T"]
    assert rows[1]["effect"] == "-1.5"


def test_a_narrowing_that_cannot_be_is_told_and_all_rows_are_shown(house, batch):
    _, browser, address = batch
    started(house, batch)
    for query, words in (
        ("sort=p", "no column to sort by"),
        ("least=x", "“x” is not a number"),
        ("state=z", "no state"),
    ):
        answer = browser.get(f"{address}?{query}")
        assert answer.status_code == 422
        assert words in Page(answer.text).text
        assert "chr22:36201702:G>T" in answer.text.replace("&gt;", ">")


def test_a_stopped_batch_is_continued_with_the_same_table_journal_and_commit(house, batch):
    identity, browser, address = batch
    first = started(house, batch)
    assert send(browser, address, f"{address}/stop").status_code == 303
    journal_of(house, batch, {"row": 1, "state": "done", "effect": 1})
    page = shown(browser, address)
    assert "1 of 3 rows are done, 2 are left." in page.text

    assert send(browser, address, f"{address}/continue").status_code == 303
    batch_id = address.rpartition("/")[2]
    view = house.workspace.batches.get(identity, batch_id)
    runs = [house.workspace.runs.get(identity, each) for each in view.run_ids]
    assert [each.state for each in runs] == ["cancelled", "queued"]
    assert runs[0].id == first
    assert runs[1].parameters == {**runs[0].parameters, "again": True}
    assert runs[0].commit == runs[1].commit


def test_a_finished_batch_with_failures_offers_to_try_them_again_and_one_without_nothing(house, batch):
    _, browser, address = batch
    run_id = started(house, batch)
    house.bench.change(run_id, state=RunState.SUCCEEDED)
    lines = [{"row": row, "state": "done", "effect": row} for row in (1, 2)]
    journal_of(house, batch, *lines, {"row": 3, "state": "failed", "error": "no"})
    assert "Try the failed rows again" in shown(browser, address).text

    journal_of(house, batch, *lines, {"row": 3, "state": "done", "effect": 3})
    page = shown(browser, address)
    assert "3 of 3 rows are done" in page.text
    assert page.actions() == [address]
    refused = browser.post(f"/api/v1{address}/continue", headers={"X-CSRF-Token": _token(browser, address)})
    assert refused.status_code == 409
    assert "nothing to continue" in refused.json()["detail"]


def at_its_time_limit(house, batch, *rows: int) -> str:
    """Let the last run of a batch end at its time limit after these rows were done; return its id."""
    identity, _, address = batch
    run_id = house.workspace.batches.get(identity, address.rpartition("/")[2]).run.id
    journal_of(house, batch, *({"row": row, "state": "done", "effect": row} for row in rows))
    house.bench.change(
        run_id, state=RunState.FAILED, error="It was not done after 15 minutes.", limit_reached="time"
    )
    return run_id


def test_a_batch_whose_run_reached_its_time_limit_goes_on_by_itself(house, batch):
    identity, browser, address = batch
    started(house, batch)
    first = at_its_time_limit(house, batch, 1)
    page = shown(browser, address)
    assert "Its last run reached the time limit; another follows" in page.text
    assert f"{address}/stop" in page.actions()
    assert f"{address}/continue" not in page.actions()

    house.workspace.batches.go_on()
    house.workspace.batches.go_on()
    view = house.workspace.batches.get(identity, address.rpartition("/")[2])
    assert (view.state, view.awaits_part, view.run_ids) == ("queued", False, (first, view.run.id))
    assert view.run.parameters == house.workspace.runs.get(identity, first).parameters
    assert "This is its run 2." in shown(browser, address).text

    at_its_time_limit(house, batch, 1, 2, 3)  # all rows are done, but the report was not
    house.workspace.batches.go_on()
    assert len(house.workspace.batches.get(identity, view.id).run_ids) == 3


def test_a_batch_that_got_no_row_done_goes_on_no_more(house, batch):
    identity, browser, address = batch
    started(house, batch)
    at_its_time_limit(house, batch, 1)
    house.workspace.batches.go_on()
    at_its_time_limit(house, batch, 1)
    house.workspace.batches.go_on()

    view = house.workspace.batches.get(identity, address.rpartition("/")[2])
    assert (view.state, len(view.run_ids), view.can_continue) == ("stopped", 2, True)
    assert "It was not done after 15 minutes." in shown(browser, address).text


@pytest.mark.parametrize(
    "end", [{"state": RunState.FAILED, "limit_reached": "memory"}, {"state": RunState.CANCELLED}]
)
def test_a_batch_whose_run_ended_otherwise_goes_on_no_more(house, batch, end):
    identity, _, address = batch
    run_id = started(house, batch)
    journal_of(house, batch, {"row": 1, "state": "done", "effect": 1})
    house.bench.change(run_id, **end)
    house.workspace.batches.go_on()

    view = house.workspace.batches.get(identity, address.rpartition("/")[2])
    assert (view.state, view.run_ids) == ("stopped", (run_id,))


def test_a_batch_that_was_stopped_between_two_runs_stays_so(house, batch):
    identity, browser, address = batch
    started(house, batch)
    first = at_its_time_limit(house, batch, 1)
    assert send(browser, address, f"{address}/stop").status_code == 303
    house.workspace.batches.go_on()

    view = house.workspace.batches.get(identity, address.rpartition("/")[2])
    assert (view.state, view.run_ids, view.can_continue) == ("stopped", (first,), True)
    with pytest.raises(ConflictError, match="has ended already"):
        house.workspace.batches.stop(identity, view.id)


def test_a_batch_of_a_closed_account_halts_and_says_why(house, batch):
    identity, _, address = batch
    started(house, batch)
    at_its_time_limit(house, batch, 1)
    house.workspace.people.disable(identity.user)
    house.workspace.batches.go_on()

    view = house.workspace.batches.get(ADMIN, address.rpartition("/")[2])
    assert (view.state, len(view.run_ids)) == ("stopped", 1)
    assert view.halted == f"The account “{identity.user}” is closed."


def test_a_batch_waits_to_go_on_while_its_owner_has_as_many_runs_waiting_as_they_may(house, batch):
    identity, _, address = batch
    batches = house.workspace.batches
    started(house, batch)
    at_its_time_limit(house, batch, 1)
    waiting = [house.bench.ask(identity) for _ in range(house.workspace.settings.runs.queued_per_person)]
    batches.go_on()
    view = batches.get(identity, address.rpartition("/")[2])
    assert (view.state, view.awaits_part, len(view.run_ids)) == ("queued", True, 1)

    house.workspace.runs.cancel(identity, waiting[0])
    batches.go_on()
    assert len(batches.get(identity, view.id).run_ids) == 2


def test_a_home_that_cannot_be_read_holds_up_nobody_elses_batch(house, project, batch, monkeypatch, caplog):
    identity, _, address = batch
    batches = house.workspace.batches
    other, browser = house.person()
    made = uploaded(browser, project, TABLE).headers["location"].rpartition("/")[2]
    batches.start(other, made, {})
    broken, files = address.rpartition("/")[2], type(batches._files)
    started(house, batch)
    at_its_time_limit(house, batch, 1)
    at_its_time_limit(house, (other, browser, f"/batches/{made}"), 1)
    read = files.journal

    def journal(self, owner, batch_id):
        if batch_id == broken:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return read(self, owner, batch_id)

    monkeypatch.setattr(files, "journal", journal)
    batches.go_on()
    monkeypatch.undo()

    assert len(batches.get(other, made).run_ids) == 2
    assert f"batch {broken} cannot go on now" in caplog.text
    view = batches.get(identity, broken)
    assert (view.awaits_part, len(view.run_ids)) == (True, 1)


def _token(browser, address: str) -> str:
    return browser.get(address).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"", "The table is empty"),
        (b"PK\x03\x04", "CSV UTF-8"),
        ("chrom,pos,ref,alt\nchr99,1,A,C\nchr22,0,A,C\n", "line 3"),
        ("a,b\n1,2\n", "lacks chromosome"),
    ],
)
def test_a_table_without_a_good_row_is_refused_and_says_why(house, project, table, words):
    identity, browser = house.person()
    answer = uploaded(browser, project, table)

    assert answer.status_code == 422
    assert words in Page(answer.text).text
    assert Page(answer.text).active() == []
    assert house.workspace.batches.list(identity).total == 0


def workbook(*rows: tuple) -> bytes:
    """Return an Excel file."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


EXCEL = workbook(("chrom", "pos", "ref", "alt"), ("chr22", 36_201_698, "A", "C"), ("chr22", None, "G", "T"))


def kept(house, identity, path: str, data: bytes) -> None:
    """Put a file of somebody's into their home, as theirs."""
    person = house.workspace.people.get(identity.user)
    file = house.workspace.layout.ensure_home(person.name, person.uid, person.uid) / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    if os.geteuid() == 0:
        for each in (file.parent, file):
            os.chown(each, person.uid, person.uid)


def test_an_excel_file_is_uploaded_and_its_rows_are_told_by_their_number(house, project):
    _, browser = house.person()
    answer = uploaded(browser, project, EXCEL, name="variants.xlsx")
    page = shown(browser, answer.headers["location"])

    assert "1 row of variants.xlsx" in page.text
    assert "Line 3: There is nothing under position." in page.text


def test_a_table_that_lies_in_the_home_is_chosen_and_checked(house, project):
    identity, browser = house.person()
    kept(house, identity, "data/variants.xlsx", EXCEL)
    kept(house, identity, "data/picture.png", b"x")
    address = f"/batches/new?project={project}&notebook=a.ipynb"
    form = {"project": project, "notebook": "a.ipynb", "title": "Chosen", "csrf": _token(browser, address)}
    assert "/batches/pick" in browser.get(address).text
    folder = browser.post("/batches/pick", data={**form, "at": "~/data"}).text
    assert 'value="~/data/variants.xlsx"' in folder
    assert "picture.png" not in folder
    assert "picture.png" in browser.post("/batches/pick", data={**form, "at": "~/data", "every": "1"}).text
    back = browser.post("/batches/pick", data={**form, "chosen": "~/data/variants.xlsx"}).text
    assert 'name="path" value="~/data/variants.xlsx"' in back
    assert 'value="Chosen"' in back

    made = browser.post("/batches", data={**form, "path": "~/data/variants.xlsx"})
    page = shown(browser, made.headers["location"])
    assert "1 row of variants.xlsx" in page.text
    batch = house.workspace.layout.home(identity.user) / made.headers["location"].removeprefix("/")
    assert (batch / "uploaded-variants.xlsx").read_bytes() == EXCEL


@pytest.mark.parametrize("path", ["~/nothing.csv", "~/link.csv", "/etc/passwd", "~/../root/t.csv", "~"])
def test_a_path_that_is_no_file_of_theirs_is_told(house, project, tmp_path, path):
    identity, browser = house.person()
    kept(house, identity, "other.csv", TABLE.encode())
    (house.workspace.layout.home(identity.user) / "link.csv").symlink_to(tmp_path)
    answer = send(browser, f"/batches/new?project={project}&notebook=a.ipynb", "/batches",
                  project=project, notebook="a.ipynb", path=path)  # fmt: skip

    assert answer.status_code == 422
    assert "The table was not taken." in Page(answer.text).text
    assert house.workspace.batches.list(identity).total == 0


def test_no_file_at_all_is_refused(house, project):
    _, browser = house.person()
    address = f"/batches/new?project={project}&notebook=a.ipynb"
    answer = send(browser, address, "/batches", project=project, notebook="a.ipynb")

    assert answer.status_code == 422
    assert "No file was chosen" in Page(answer.text).text


def test_a_worksheet_that_declares_no_batch_takes_none(house):
    identity, browser = house.person()
    plain = house.publish({"a.ipynb": notebook(parameters=PARAMETERS)})
    page = shown(browser, f"/batches/new?project={plain}&notebook=a.ipynb")
    assert "takes no tables" in page.text
    assert "Upload a table" not in shown(browser, f"/projects/{plain}/worksheets/a.ipynb").text

    token = _token(browser, "/me")
    answer = browser.post(
        "/api/v1/batches",
        data={"project": plain, "notebook": "a.ipynb"},
        files={"table": ("t.csv", TABLE)},
        headers={"X-CSRF-Token": token},
    )
    assert answer.status_code == 422
    assert "declares no batch" in answer.json()["errors"][0]["message"]
    assert house.workspace.batches.list(identity).total == 0


def test_a_program_checks_starts_and_reads_a_batch(house, project):
    identity, browser = house.person()
    secret = house.workspace.tokens.create_own(identity, "a program", ["api"]).secret
    program = house.visitor()
    program.headers["Authorization"] = f"Bearer {secret}"
    made = program.post(
        "/api/v1/batches",
        data={"project": project, "notebook": "a.ipynb", "title": "From a program"},
        files={"table": ("t.csv", TABLE)},
    )
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["rows"], told["problem_count"]) == ("checked", 3, 1)
    assert told["problems"][0]["line"] == 3

    address = f"/api/v1/batches/{told['id']}"
    assert program.post(f"{address}/continue").status_code == 409
    wrong = program.post(f"{address}/start", json={"parameters": {"window": 3}})
    assert wrong.json()["errors"][0]["field"] == "window"
    assert program.post(f"{address}/start", json={"parameters": {"variants": "~/x"}}).status_code == 422
    assert program.post(f"{address}/start", json={}).json()["state"] == "queued"
    assert program.get(f"{address}/rows?per_page=2").json()["total"] == 3
    assert program.get("/api/v1/batches").json()["items"][0]["title"] == "From a program"
    assert program.post(f"{address}/stop").json()["state"] == "stopped"
    assert "From a program" in shown(browser, "/batches").text


@pytest.fixture
def program(house):
    """Somebody, and a program of theirs with a token."""
    identity, _ = house.person()
    client = house.visitor()
    secret = house.workspace.tokens.create_own(identity, "a program", ["api"]).secret
    client.headers["Authorization"] = f"Bearer {secret}"
    return identity, client


def test_a_program_sends_rows_and_follows_one_batch(house, project, program):
    _, client = program
    rows = [
        {"variant": "chr22:36201698:A>C", "id": "rs1"},
        {"variant": "chr99:1:A>C"},
        {"chrom": "chr22", "pos": 36201702, "ref": "G", "alt": "T"},
    ]
    asked = {"project": project, "notebook": "a.ipynb", "title": "Rows", "rows": rows}
    answer = client.post("/api/v1/runs/batch", json={**asked, "parameters": {"window": 131072}})
    batch = answer.json()

    assert answer.status_code == 202
    assert (batch["state"], batch["title"], batch["rows"]) == ("queued", "Rows", 2)
    assert [problem["line"] for problem in batch["problems"]] == [2]
    assert batch["run"]["parameters"]["window"] == 131072
    assert [row["line"] for row in client.get(f"/api/v1/batches/{batch['id']}/rows").json()["items"]] == [
        1,
        3,
    ]


def test_a_program_sends_a_table_or_names_one_and_it_runs_at_once(house, project, program):
    identity, client = program
    kept(house, identity, "mine.xlsx", EXCEL)
    form = {"project": project, "notebook": "a.ipynb", "parameters": '{"window": 131072}'}
    sent = client.post("/api/v1/runs/batch", data=form, files={"table": ("t.csv", TABLE)})
    named = client.post("/api/v1/runs/batch", files={name: (None, value) for name, value in form.items()} | {
        "path": (None, "~/mine.xlsx")
    })  # fmt: skip

    assert [answer.status_code for answer in (sent, named)] == [202, 202]
    assert [answer.json()["rows"] for answer in (sent, named)] == [3, 1]
    assert named.json()["filename"] == "mine.xlsx"
    assert named.json()["run"]["parameters"]["window"] == 131072


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": {"window": 3}}, "window"),
        ({"parameters": {"variants": "~/x"}}, "variants"),
        ({"rows": []}, "rows"),
        ({"rows": [{"variant": ["a"]}]}, "line 1"),
        ({"rows": [{"variant": "nonsense"}]}, "line 1"),
        ({"rows": [{"gene": "APOL1"}]}, "table"),
        ({"row": 1}, "row"),
    ],
)
def test_rows_that_cannot_run_are_refused_and_nothing_is_kept(house, project, program, changes, field):
    identity, client = program
    asked = {"project": project, "notebook": "a.ipynb", "rows": [{"variant": "chr22:36201698:A>C"}]}
    answer = client.post("/api/v1/runs/batch", json={**asked, **changes})

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert house.workspace.batches.list(identity).total == 0
    assert house.workspace.runs.list(identity).total == 0


@pytest.fixture(scope="module")
def plain(house) -> str:
    """A project whose worksheet takes no batches."""
    parameters = "variant: str = 'a'\nwindow: int = 16384\ntissues: list[str] = []"
    return house.publish({"a.ipynb": notebook(parameters=parameters)})


def test_where_a_worksheet_takes_no_batches_each_row_has_a_run_of_its_own(house, plain, program):
    identity, client = program
    rows = [{"variant": "one", "tissues": ["x", "y"]}, {"variant": "two"}, {"window": 5}]
    asked = {"project": plain, "notebook": "a.ipynb", "title": "Three", "rows": rows}
    answer = client.post("/api/v1/runs/batch", json={**asked, "parameters": {"window": 9}})
    batch = answer.json()
    address = f"/api/v1/batches/{batch['id']}"
    runs = [house.workspace.runs.get(identity, run_id) for run_id in batch["run_ids"]]

    assert answer.status_code == 202
    assert (batch["state"], batch["rows"], batch["each_row_runs"]) == ("queued", 3, True)
    assert [run.parameters["variant"] for run in runs] == ["one", "two", "a"]
    assert [run.parameters["window"] for run in runs] == [9, 9, 5]
    assert runs[0].parameters["tissues"] == ["x", "y"]

    house.bench.finish(runs[0].id, identity.user)
    house.bench.fail(runs[1].id, "no such variant")
    found = client.get(f"{address}/rows?sort=row").json()["items"]
    assert [(row["state"], row["error"]) for row in found] == [
        ("done", None),
        ("failed", "no such variant"),
        ("waiting", None),
    ]
    assert [row["values"]["run"] for row in found] == batch["run_ids"]

    assert client.post(f"{address}/stop").json()["state"] == "stopped"
    assert client.post(f"{address}/stop").status_code == 409
    assert client.post(f"{address}/start", json={}).status_code == 409
    went_on = client.post(f"{address}/continue").json()
    assert went_on["run_ids"][0] == runs[0].id
    assert not set(went_on["run_ids"][1:]) & set(batch["run_ids"])
    assert (went_on["state"], went_on["done"], went_on["waiting"]) == ("queued", 1, 2)


def test_of_two_who_continue_a_batch_of_runs_at_once_one_does(house, plain, program):
    identity, client = program
    rows = [{"variant": "one"}, {"variant": "two"}]
    made = client.post("/api/v1/runs/batch", json={"project": plain, "notebook": "a.ipynb", "rows": rows})
    for run_id in made.json()["run_ids"]:
        house.bench.fail(run_id, "no such variant")
    with house.workspace.database.read() as session:
        seen_by_both = session.get(Batch, made.json()["id"])
    each = house.workspace.batches._each
    each.again(identity, seen_by_both)

    with pytest.raises(ConflictError, match="being continued already"):
        each.again(identity, seen_by_both)
    assert house.workspace.runs.list(identity, state="queued").total == 2
    after = house.workspace.batches.get(identity, seen_by_both.id)
    assert (after.state, after.failed, after.waiting) == ("queued", 0, 2)


def test_a_batch_of_runs_is_shown_with_links_to_each(house, plain):
    _, browser = house.person()
    rows = [{"variant": HOSTILE}, {"variant": "two"}]
    answer = browser.post(
        "/api/v1/runs/batch",
        json={"project": plain, "notebook": "a.ipynb", "rows": rows},
        headers={"X-CSRF-Token": _token(browser, "/me")},
    )
    batch = answer.json()
    page = shown(browser, f"/batches/{batch['id']}")

    assert all(page.all("a", href=f"/runs/{run_id}") for run_id in batch["run_ids"])
    assert HOSTILE[:20] in page.text
    assert "This is its run" not in page.text
    assert "works through the rows of a batch" not in shown(browser, f"/runs/{batch['run_ids'][0]}").text


def test_a_table_gives_each_parameter_by_the_name_of_its_column(house, plain, program):
    identity, client = program
    table = "variant;window;tissues\none;9;x, y\n\ntwo;5;\n"
    batch = client.post(
        "/api/v1/runs/batch",
        data={"project": plain, "notebook": "a.ipynb"},
        files={"table": ("../t.csv", table)},
    ).json()
    runs = [house.workspace.runs.get(identity, run_id) for run_id in batch["run_ids"]]

    assert batch["filename"] == "t.csv"
    assert [run.parameters for run in runs] == [
        {"variant": "one", "window": 9, "tissues": ["x", "y"]},
        {"variant": "two", "window": 5, "tissues": []},
    ]


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ([{"window": "x"}, {"variant": "a"}, {"nothing": 1}], ["line 1: window", "line 3: nothing"]),
        ([{}], ["rows"]),
        ([{"variant": "a"}] * 1_001, ["rows"]),
        ([{"window": "x"}] * 1_001, ["rows"]),
    ],
)
def test_rows_with_a_wrong_value_start_no_run(house, plain, program, rows, fields):
    identity, client = program
    answer = client.post("/api/v1/runs/batch", json={"project": plain, "notebook": "a.ipynb", "rows": rows})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert house.workspace.runs.list(identity).total == 0


def test_more_rows_than_runs_may_wait_start_none(house, plain, program):
    identity, client = program
    most = house.workspace.settings.runs.queued_per_person
    rows = [{"variant": str(number)} for number in range(most + 1)]
    answer = client.post("/api/v1/runs/batch", json={"project": plain, "notebook": "a.ipynb", "rows": rows})

    assert answer.status_code == 429
    assert house.workspace.runs.list(identity, state="queued").total == 0
    assert house.workspace.batches.list(identity).total == 0


def ask_for_three_rows(workspace: Workspace, identity: Identity, path: str) -> None:
    rows = [{"variant": name} for name in ("one", "two", "three")]
    workspace.batches.run(identity, path, "a.ipynb", Sent(rows), {}, fresh=True)


def test_a_batch_is_kept_with_all_its_runs_or_not_at_all_when_its_process_is_killed(house, plain):
    identity, _ = house.person()
    ask_for_three_rows(house.workspace, identity, plain)
    for _ in killed_at_each_moment(house.workspace.settings, ask_for_three_rows, identity, plain):
        batches = house.workspace.batches.list(identity).items
        of_batches = [
            run for line in batches for run in house.workspace.batches.get(identity, line.id).run_ids
        ]
        runs = house.workspace.runs.list(identity, per_page=100).items

        assert sorted(run.id for run in runs) == sorted(of_batches)
        assert len(runs) == 3 * len(batches)
    assert len(batches) > 1


def ask_for_a_table(workspace: Workspace, identity: Identity, path: str) -> None:
    rows = [{"variant": "chr22:36201698:A>C"}, {"variant": "chr22:36201700:G>T"}]
    workspace.batches.run(identity, path, "a.ipynb", Sent(rows), {})


def test_a_batch_that_is_to_run_at_once_is_kept_with_its_run_or_not_at_all(house, project):
    identity, _ = house.person()
    ask_for_a_table(house.workspace, identity, project)
    for _ in killed_at_each_moment(house.workspace.settings, ask_for_a_table, identity, project):
        batches = house.workspace.batches.list(identity).items
        runs = house.workspace.runs.list(identity).items
        assert {run.id for run in runs} == {line.run_id for line in batches}
    assert len(batches) > 1


def test_a_batch_that_is_to_run_at_once_and_has_no_room_leaves_nothing(house, project, program):
    identity, client = program
    for _ in range(house.workspace.settings.runs.queued_per_person):
        house.bench.ask(identity)
    asked = {"project": project, "notebook": "a.ipynb", "rows": [{"variant": "chr22:36201698:A>C"}]}
    answer = client.post("/api/v1/runs/batch", json=asked)

    assert answer.status_code == 429
    assert house.workspace.batches.list(identity).total == 0
    assert list((house.workspace.layout.home(identity.user) / "batches").iterdir()) == []


def stop(workspace: Workspace, identity: Identity, batch_id: str) -> None:
    with suppress(ConflictError):  # whoever was killed before had stopped all of it
        workspace.batches.stop(identity, batch_id)


def test_a_batch_is_stopped_with_all_its_runs_or_not_at_all(house, plain, program):
    identity, client = program
    rows = [{"variant": name} for name in ("one", "two", "three")]
    made = client.post("/api/v1/runs/batch", json={"project": plain, "notebook": "a.ipynb", "rows": rows})
    stopped = [
        house.workspace.runs.list(identity, state="cancelled").total
        for _ in killed_at_each_moment(house.workspace.settings, stop, identity, made.json()["id"])
    ]

    assert stopped[0] == 0
    assert stopped[-1] == 3
    assert set(stopped) == {0, 3}


def test_a_visitor_sends_no_rows(house, project):
    rows = [{"variant": "chr22:36201698:A>C"}]
    answer = house.visitor().post(
        "/api/v1/runs/batch", json={"project": project, "notebook": "a.ipynb", "rows": rows}
    )
    assert answer.status_code == 401


def test_a_batch_is_its_owners_alone(house, batch):
    _, _, address = batch
    _, other = house.person()
    for path in (address, f"/api/v1{address}", f"/api/v1{address}/rows", f"/api/v1{address}/table"):
        assert other.get(path).status_code == 404
        assert house.visitor().get(path).status_code == 404
    token = _token(other, "/me")
    for action in ("start", "stop", "continue"):
        answer = other.post(f"/api/v1{address}/{action}", json={}, headers={"X-CSRF-Token": token})
        assert answer.status_code == 404
    assert house.visitor().get("/batches").status_code in (303, 401)
    assert house.workspace.batches.get(ADMIN, address.rpartition("/")[2]).can_start is False


def test_a_batch_whose_files_are_gone_says_so_and_starts_nothing(house, batch):
    identity, browser, address = batch
    folder = house.workspace.layout.home(identity.user) / "batches" / address.rpartition("/")[2]
    (folder / "variants.tsv").unlink()
    (folder / "variants.tsv").symlink_to("/etc/passwd")
    page = shown(browser, address)

    assert "are there no more" in page.text
    assert "root:" not in page.text
    assert page.actions() == []


def test_a_home_whose_folder_of_batches_is_a_link_is_left_alone(house, project, tmp_path):
    identity, browser = house.person()
    person = house.workspace.people.get(identity.user)
    home = house.workspace.layout.ensure_home(person.name, person.uid, person.uid)
    (home / "batches").symlink_to(tmp_path)
    answer = uploaded(browser, project, TABLE)

    assert answer.status_code == 409
    assert "is a link or a file" in Page(answer.text).text
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_five_megabytes_is_taken_and_one_above_the_limit_refused(house, project):
    _, browser = house.person()
    long = TABLE + ("chr99;1;A;C;" + "x" * 1_000 + "\r\n") * 5_000
    assert uploaded(browser, project, long).status_code == 303
    refused = uploaded(browser, project, b"y" * 25_100_000)
    assert refused.status_code == 413
    assert "25 MB" in Page(refused.text).text
