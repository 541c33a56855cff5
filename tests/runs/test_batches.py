"""A batch through the real worker: stopped, killed and continued, with no finished row computed twice."""

from __future__ import annotations

import json
import signal
import time

import pytest

from auth.identity import Identity
from tests.conftest import wait_for
from tests.publishing import notebook
from tests.runs.conftest import ADA, BEN, VISITOR, Bench
from workspace_api.batches.ranking import Wanted
from workspace_api.batches.sources import Uploaded
from workspace_api.batches.views import BatchView
from workspace_api.errors import ConflictError, ForbiddenError, NotSignedInError

ROWS = 14
TABLE = "variant,id\n" + "".join(f"chr1:{1000 + n}:A>C,rs{n}\n" for n in range(ROWS))
PARAMETERS = 'variants: str = "none.csv"\njournal: str | None = None\npause: float = 0.2'
MANIFEST = """
worksheets:
  - notebook: a.ipynb
    batch: {table: variants, journal: journal, rank: effect}
    parameters:
      variants: {type: string, format: file}
      journal: {type: [string, "null"], format: file}
"""
WORKS = """
import csv, json, os, time
done = set()
with open(journal, "a+") as book:
    book.seek(0)
    for line in book:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if said["state"] == "done":
            done.add(said["row"])
    if os.path.getsize(journal) and not line.endswith("\\n"):
        book.write("\\n")
    for row in csv.DictReader(open(variants), delimiter="\\t"):
        number = int(row["row"])
        if number in done:
            continue
        time.sleep(pause)
        once = {"row": number, "state": "done", "effect": number * (-1) ** number}
        if number == 7 and not os.path.exists(journal + ".again"):
            open(journal + ".again", "w").close()
            once = {"row": number, "state": "failed", "error": "no answer"}
        book.write(json.dumps(once) + "\\n")
        book.flush()
"""


@pytest.fixture(scope="module")
def project(bench: Bench) -> str:
    return bench.publish({"a.ipynb": notebook(WORKS, parameters=PARAMETERS), "workspace.yaml": MANIFEST})


def check(bench: Bench, project: str, identity: Identity = ADA) -> BatchView:
    """Upload the table."""
    return bench.workspace.batches.check(identity, project, "a.ipynb", Uploaded("t.csv", TABLE.encode()))


def await_rows(bench: Bench, batch: BatchView, least: int) -> BatchView:
    """Wait until at least so many rows are done."""

    def look() -> BatchView | None:
        view = bench.workspace.batches.get(ADA, batch.id)
        if view.run is not None and view.run.ended and view.done < least:
            raise AssertionError(f"the run ended as {view.run.state}: {view.run.error}")
        return view if view.done >= least else None

    return wait_for(look, seconds=90, what=f"{least} rows")


def await_ended(bench: Bench, batch: BatchView) -> BatchView:
    """Wait until its run has ended."""

    def look() -> BatchView | None:
        view = bench.workspace.batches.get(ADA, batch.id)
        return view if view.run is not None and view.run.ended else None

    return wait_for(look, seconds=120, what="the end of the batch")


def lines_of(bench: Bench, batch: BatchView) -> list[dict]:
    """Return what the journal says, line by line."""
    text = (bench.home() / "batches" / batch.id / "journal.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines() if line.strip().endswith("}")]


@pytest.mark.timeout(300)
def test_a_stopped_batch_continues_where_it_was(bench, project):
    batches = bench.workspace.batches
    batch = check(bench, project)
    assert (batch.state, batch.rows) == ("checked", ROWS)
    with bench.worker():
        batches.start(ADA, batch.id, {})
        await_rows(bench, batch, 3)
        batches.stop(ADA, batch.id)
        stopped = await_ended(bench, batch)
        assert stopped.state == "stopped"
        assert 3 <= stopped.done < ROWS

        journal = bench.home() / "batches" / batch.id / "journal.jsonl"
        with journal.open("a") as file:
            file.write('{"row": 13, "state": "do')  # as a cut leaves it
        batches.resume(ADA, batch.id)
        with pytest.raises(ConflictError, match="under way already"):
            batches.resume(ADA, batch.id)
        finished = await_ended(bench, batch)
    if finished.failed:  # the row that fails once failed in the second run
        assert finished.can_continue
        with bench.worker():
            batches.resume(ADA, batch.id)
            finished = await_ended(bench, batch)

    assert (finished.state, finished.done, finished.failed) == ("finished", ROWS, 0)
    done = [line["row"] for line in lines_of(bench, batch) if line["state"] == "done"]
    assert sorted(done) == list(range(1, ROWS + 1))
    best = batches.rows(ADA, batch.id, Wanted(), per_page=2).items
    assert [(row.row, row.values["effect"]) for row in best] == [(14, 14), (13, -13)]
    with pytest.raises(ConflictError, match="nothing to continue"):
        batches.resume(ADA, batch.id)


@pytest.mark.timeout(300)
def test_a_batch_that_takes_longer_than_a_run_may_needs_nobody(bench):
    manifest = MANIFEST + "resources: {minutes: 0.2}\n"
    project = bench.publish({"a.ipynb": notebook(WORKS, parameters=PARAMETERS), "workspace.yaml": manifest})
    batch = check(bench, project)
    with bench.worker():
        bench.workspace.batches.start(ADA, batch.id, {"pause": 1.0})
        finished = wait_for(
            lambda: (view := bench.workspace.batches.get(ADA, batch.id)) and not view.under_way and view,
            seconds=120,
            what="the end of the batch",
        )

    runs = [bench.workspace.runs.get(ADA, run_id) for run_id in finished.run_ids]
    assert (finished.state, finished.done + finished.failed, finished.halted) == ("finished", ROWS, None)
    assert len(runs) > 1
    assert {(run.state, run.limit_reached) for run in runs[:-1]} == {("failed", "time")}
    assert runs[-1].state == "succeeded"
    done = [line["row"] for line in lines_of(bench, batch) if line["state"] == "done"]
    assert len(done) == len(set(done))


@pytest.mark.timeout(300)
def test_a_batch_whose_worker_is_killed_goes_on_and_computes_no_row_twice(bench, project):
    batch = check(bench, project)
    first = bench.worker_process()
    bench.workspace.batches.start(ADA, batch.id, {"pause": 0.2})
    await_rows(bench, batch, 3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(0.1)
    with bench.worker():
        finished = await_ended(bench, batch)

    assert finished.run.state == "succeeded"
    assert len(finished.run_ids) == 1
    done = [line["row"] for line in lines_of(bench, batch) if line["state"] == "done"]
    assert len(done) == len(set(done)) == ROWS - finished.failed


def test_two_who_start_a_batch_at_once_start_it_once(bench, project):
    import threading

    batch = check(bench, project)
    refused = []

    def start() -> None:
        try:
            bench.workspace.batches.start(ADA, batch.id, {})
        except ConflictError as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view = bench.workspace.batches.stop(ADA, batch.id)

    assert len(refused) == 3
    assert len(view.run_ids) == 1
    queued = bench.workspace.runs.list(ADA, project=project, state="queued")
    assert queued.total == 0


def test_a_visitor_uploads_no_table_and_nobody_starts_anothers(bench, project):
    batch = check(bench, project)

    with pytest.raises(NotSignedInError):
        check(bench, project, VISITOR)
    with pytest.raises(ForbiddenError):
        bench.workspace.batches.start(Identity(user="root-ada", admin=True), batch.id, {})
    assert bench.workspace.batches.list(BEN).total == 0
