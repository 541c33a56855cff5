"""Runs from request to results: real forge, real environment, real sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import wait_for
from tests.kills import killed_at_each_moment
from tests.publishing import notebook
from tests.runs.conftest import ADA, BEN, VISITOR
from tests.runs.crates import problems
from workspace_api.database import now
from workspace_api.runs import execution
from workspace_api.runs.models import Run, RunState
from workspace_api.runs.queue import Claim
from workspace_api.tokens.models import Token
from workspace_api.workspace import Workspace

BRIEF = "resources: {minutes: 0.1, memory: 512M}\n"
SMALL = "resources: {minutes: 3, memory: 512M}\n"
ROOMY = "resources: {minutes: 1}\n"
WAIT_FOR_EVER = "import time\nopen('begun', 'w').close()\ntime.sleep(600)"


@pytest.fixture
def working(bench):
    """A worker works while the test lasts."""
    with bench.worker():
        yield


def at_the_last_cell(bench, run) -> bool:
    view = bench.get(run)
    return 0 < view.cell == view.cells


def folder_of(bench, run, user: str = "ada"):
    return bench.home(user) / "runs" / run.id


@pytest.mark.usefixtures("working")
def test_a_run_succeeds_and_its_results_land_in_the_home(bench, monkeypatch):
    path = bench.project_with("open('numbers.csv', 'w').write(f'n\\n{n}')", "n + 1")
    ended = bench.await_end(bench.request(path, n=7))

    assert (ended.state, ended.error) == ("succeeded", None)
    folder = folder_of(bench, ended)
    assert (folder / "outputs" / "numbers.csv").read_text() == "n\n7"
    assert json.loads((folder / "parameters.json").read_text()) == {"n": 7}
    names = {file.path for file in bench.workspace.runs.files(ADA, ended.id)}
    assert names >= {"notebook.ipynb", "report.html", "log.txt", "worksheet.ipynb", "ro-crate-metadata.json"}
    assert folder.stat().st_uid == bench.workspace.people.get("ada").uid
    assert problems(folder, monkeypatch) == []
    assert list((bench.settings.home / "work").iterdir()) == []


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('the tissue is unknown')", "ValueError: the tissue is unknown"),
        ("while True: pass", "It was not done after 0.1 minutes"),
        ("x = []\nwhile True: x.append(bytearray(50_000_000))", "It used more than 512 MiB of memory"),
        (
            "f = open('big', 'wb')\nwhile True: f.write(bytes(10_000_000))",
            "It wrote more than 102.4 MiB to disk",
        ),
    ],
    ids=["raises", "endless", "hungry", "filler"],
)
def test_a_notebook_that_misbehaves_fails_with_words(bench, code, words):
    limits = BRIEF if code.startswith("while") else SMALL
    path = bench.project_with(code, workspace__yaml=limits)
    ended = bench.await_end(bench.request(path))

    assert ended.state == "failed"
    assert words in ended.error


@pytest.mark.usefixtures("working")
def test_a_notebook_that_prints_without_end_is_stopped(bench):
    path = bench.project_with("while True: print('x' * 10_000)", workspace__yaml=ROOMY)
    ended = bench.await_end(bench.request(path))

    assert ended.state == "failed"
    assert "printed more than 1 MiB" in ended.error


@pytest.mark.usefixtures("working")
def test_what_a_failed_run_has_made_is_kept(bench):
    path = bench.project_with("open('half.txt', 'w').write('half')", "raise SystemError('stop')")
    ended = bench.await_end(bench.request(path))

    assert ended.state == "failed"
    assert (folder_of(bench, ended) / "outputs" / "half.txt").read_text() == "half"
    assert "stop" in (folder_of(bench, ended) / "report.html").read_text()


@pytest.mark.usefixtures("working")
def test_a_cancelled_run_ends_and_keeps_what_it_has(bench):
    path = bench.project_with("open('half.txt', 'w').write('half')", WAIT_FOR_EVER)
    run = bench.request(path)
    wait_for(lambda: at_the_last_cell(bench, run), what="the last cell")
    bench.workspace.runs.cancel(ADA, run.id)
    ended = bench.await_end(run)

    assert (ended.state, ended.error) == ("cancelled", None)
    assert (folder_of(bench, ended) / "outputs" / "half.txt").exists()
    assert not processes_mentioning(run.id)


@pytest.mark.usefixtures("working")
def test_an_environment_that_cannot_be_built_fails_its_runs_with_the_line(bench):
    files = {"a.ipynb": notebook("n"), "requirements.txt": "# ours\nno-such-package-of-labfork==1.0\n"}
    ended = bench.await_end(bench.request(bench.publish(files)))

    assert ended.state == "failed"
    assert "requirements.txt, line 2" in ended.error


@pytest.mark.usefixtures("working")
def test_a_visitors_run_has_an_empty_home_that_is_thrown_away(bench):
    code = (
        "import os, pathlib\nhome = pathlib.Path.home()\n"
        "print(sorted(os.listdir(home)))\n(home / 'left').touch()"
    )
    path = bench.project_with(code)
    runs = [bench.await_end(bench.request(path, VISITOR)) for _ in range(2)]

    for run in runs:
        assert run.state == "succeeded"
        assert "[]" in (folder_of(bench, run, "public") / "notebook.ipynb").read_text()
    assert not (bench.home("public") / "left").exists()


@pytest.mark.usefixtures("working")
def test_the_token_of_a_run_opens_the_gateway_alone_and_only_while_it_lasts(bench):
    code = "import os\nopen('token', 'w').write(os.environ['ALPHAGENOME_API_KEY'])"
    ended = bench.await_end(bench.request(bench.project_with(code)))
    secret = (folder_of(bench, ended) / "outputs" / "token").read_text()

    assert bench.workspace.tokens.verify_caller(secret) is None
    with bench.workspace.database.read() as session:
        row = session.query(Token).filter(Token.run_id == ended.id).one()
    assert row.scopes == "alphagenome"
    assert row.revoked_at is not None
    assert row.expires_at > now()


@pytest.mark.usefixtures("working")
def test_a_run_reaches_neither_network_nor_other_homes(bench):
    (bench.home("ben") / "secret").write_text("ben's")
    code = (
        "import os, socket\n"
        "assert not os.path.exists('/home/jovyan/../ben'), os.listdir('/home')\n"
        f"assert not os.path.exists({str(bench.settings.home / 'storage')!r})\n"
        "s = socket.socket(); s.settimeout(2)\n"
        "assert s.connect_ex(('127.0.0.1', PORT)) != 0".replace(
            "PORT", bench.settings.forge.url.split(":")[2][:-4]
        )
    )
    ended = bench.await_end(bench.request(bench.project_with(code)))

    assert (ended.state, ended.error) == ("succeeded", None)


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.rename(os.path.expanduser('~/runs'), os.path.expanduser('~/old'))\n"
        "os.symlink('/etc', os.path.expanduser('~/runs'))",
        "import os\nos.rename(os.path.expanduser('~/runs'), os.path.expanduser('~/old'))\n"
        "open(os.path.expanduser('~/runs'), 'w').close()",
    ],
    ids=["a link", "a file"],
)
def test_results_are_not_written_through_what_stands_in_the_home(bench, code):
    runs = bench.home("ben") / "runs"
    runs.mkdir(exist_ok=True)
    os.chown(runs, *2 * [bench.workspace.people.get("ben").uid])
    before = sorted(Path("/etc").iterdir())
    ended = bench.await_end(bench.request(bench.project_with(code), BEN))
    runs.unlink()
    (bench.home("ben") / "old").rename(runs)

    assert ended.state == "failed"
    assert "“runs” is a link or a file" in ended.error
    assert sorted(Path("/etc").iterdir()) == before


@pytest.fixture
def small_disk(bench):
    """Ben's results lie on a disk of one megabyte; the value makes it larger."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    runs = bench.workspace.layout.ensure_home("ben", *[bench.workspace.people.get("ben").uid] * 2) / "runs"
    runs.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o"]
    subprocess.run([*mount, "size=1m", "labfork-test", str(runs)], check=True)
    yield lambda: subprocess.run([*mount, "remount,size=64m", "labfork-test", str(runs)], check=True)
    subprocess.run(["umount", str(runs)], check=True)


@pytest.mark.usefixtures("working")
def test_results_wait_for_room_on_a_full_disk(bench, small_disk, monkeypatch):
    monkeypatch.setattr(execution, "LOOK_FOR_ROOM_SECONDS", 0.2)
    path = bench.project_with("import os\nopen('big.bin', 'wb').write(os.urandom(3_000_000))")
    run = bench.request(path, BEN)
    wait_for(lambda: "disk is full" in (bench.get(run).step or ""), what="word of the full disk")
    assert not bench.get(run).ended

    small_disk()

    assert bench.await_end(run).state == "succeeded"
    assert (folder_of(bench, run, "ben") / "outputs" / "big.bin").stat().st_size == 3_000_000


@pytest.mark.usefixtures("working")
def test_links_and_pipes_among_the_results_are_left_out(bench):
    code = (
        "import os\n"
        "os.symlink('/etc/shadow', 'shadow'); os.mkfifo('pipe'); os.symlink('/etc', 'folder')\n"
        "os.symlink('/etc/shadow', '../result/report.html')\n"
        "open('kept', 'w').close()"
    )
    ended = bench.await_end(bench.request(bench.project_with(code)))

    outputs = {f.path for f in bench.workspace.runs.files(ADA, ended.id) if f.path.startswith("outputs/")}
    assert outputs == {"outputs/kept"}


@pytest.mark.usefixtures("working")
def test_a_forge_that_is_down_is_asked_again_and_then_named(bench, monkeypatch):
    path = bench.project_with("n")
    monkeypatch.setattr(execution, "FORGE_WAITS", (0.1, 0.1))
    address = "http://127.0.0.1:9/git"
    forge = type(bench.workspace.forge)(bench.settings.forge.model_copy(update={"url": address}))
    run = bench.request(path)
    monkeypatch.setattr(bench.workspace.forge, "_settings", forge._settings)
    monkeypatch.setattr(bench.workspace.forge, "_gitlab", forge._gitlab)
    ended = bench.await_end(run)

    assert ended.state == "failed"
    assert "could not be fetched from the forge" in ended.error
    assert "Run it again later." in ended.error


def test_a_worker_killed_mid_run_is_replaced_and_the_run_ends_once(bench):
    code = "import time, pathlib\nfor i in range(8):\n    time.sleep(0.5)\nopen('done', 'w').write('once')"
    run = bench.request(bench.project_with(code))
    first = bench.worker_process()
    try:
        bench.await_state(run, "running")
        wait_for(lambda: at_the_last_cell(bench, run), what="the sleeping cell")
    finally:
        first.kill()
        first.wait()
    with bench.worker():
        ended = bench.await_end(run)

    assert (ended.state, ended.error, ended.attempt) == ("succeeded", None, 1)
    assert (folder_of(bench, ended) / "outputs" / "done").read_text() == "once"
    assert sorted(p.name for p in (bench.home() / "runs").glob(f"{run.id}*")) == [run.id]


def finish(workspace: Workspace, claim: Claim) -> None:
    workspace.runs.queue.finish(claim, RunState.FAILED)


def test_the_token_of_a_run_ends_in_the_same_moment_whoever_is_killed(bench):
    run = bench.request(bench.project_with("pass"))
    claim = Claim(run.id, 1, "somebody")
    with bench.workspace.database.write() as session:
        row = session.get(Run, run.id)
        row.state, row.attempt, row.lease_owner = RunState.RUNNING, claim.attempt, claim.owner
    token = bench.workspace.tokens.create("ada", "Run", frozenset({"alphagenome"}), run_id=run.id).secret
    seen = set()
    for _ in killed_at_each_moment(bench.settings, finish, claim):
        opens = bench.workspace.tokens.verify_caller(token) is not None
        seen.add((bench.get(run).ended, opens))

    assert seen == {(False, True), (True, False)}


def test_a_worker_that_starts_clears_up_after_runs_that_ended_and_leaves_sessions_alone(bench):
    work = bench.settings.home / "work"
    for name in ("sessions/0123456789abcdef", "fedcba9876543210/1"):
        (work / name).mkdir(parents=True)
    with bench.worker():
        wait_for(lambda: not (work / "fedcba9876543210").exists(), what="that the folder is cleared")

    assert (work / "sessions/0123456789abcdef").exists()


def test_a_worker_that_stops_puts_its_runs_back_and_leaves_no_process(bench):
    run = bench.request(bench.project_with(WAIT_FOR_EVER))
    worker = bench.worker_process()
    bench.await_state(run, "running")
    wait_for(lambda: at_the_last_cell(bench, run), what="the waiting cell")
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)

    waiting = bench.get(run)
    assert (waiting.state, waiting.attempt, waiting.cell) == ("queued", 0, 0)
    assert not processes_mentioning(run.id)
    bench.workspace.runs.cancel(ADA, run.id)
    assert bench.get(run).state == "cancelled"


def processes_mentioning(word: str) -> list[str]:
    """Return the command lines of this machine's processes that name `word`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                with (entry / "cmdline").open("rb") as file:
                    line = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if word in line:
                found.append(line)
    return found
