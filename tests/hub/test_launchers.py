"""Jobs: their limits, their ends, and that they outlive whoever started them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hub.control_groups import find_control_group
from tests.conftest import CHECKOUT, wait_for

MIB = 1024**2


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes with `mark` in their command line."""
    return [p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]


def test_a_job_ends_with_its_exit_code_and_its_output_is_kept(either):
    outcome, log = either.run("import sys; print('seen'); sys.exit(7)")

    assert (outcome.reason, outcome.exit_code, log) == ("exited", 7, "seen\n")


def test_too_much_memory_ends_a_job(either):
    outcome, _ = either.run("x = []\nwhile True: x.append(bytearray(20 << 20))")

    assert outcome.reason == "memory"
    assert outcome.peak_memory_bytes > 200 * MIB


def test_too_much_time_ends_a_job(either):
    outcome, _ = either.run("while True: pass", wall_seconds=0.5)

    assert outcome.reason == "time"


def test_too_much_written_ends_a_job(either):
    outcome, _ = either.run("f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()")

    assert outcome.reason == "disk"
    assert (either.home / "big").stat().st_size < 500 * MIB


def test_a_fork_bomb_ends_and_nothing_of_it_is_left(either):
    code = "import os  # bomb-of-the-tests\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    outcome, _ = either.run(code)

    assert outcome.reason == "processes"
    assert marked("bomb-of-the-tests") == []


def test_an_endless_printer_is_not_blocked_and_its_log_is_bounded(either):
    outcome, log = either.run("for _ in range(100_000): print('x' * 100)")

    assert (outcome.reason, outcome.exit_code) == ("exited", 0)
    assert len(log) < 11_000
    assert "dropped" in log


def test_cancelling_ends_whatever_the_job_started(either):
    code = (
        "import subprocess, time\n"
        "subprocess.Popen(['setsid', 'sh', '-c', 'sleep 4321 & sleep 4321'], start_new_session=True)\n"
        "print('up', flush=True)\n"
        "time.sleep(100)"
    )
    launched, folder = either.start(code)
    log = folder / "log"
    wait_for(lambda: log.exists() and "up" in log.read_text() and marked("sleep 4321"), what="the job")

    launched.cancel()

    assert launched.outcome().reason == "cancelled"
    assert marked("sleep 4321") == []


def test_a_cancelled_job_may_still_save_what_it_has(either):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('saved', 'w').write('1'), sys.exit(0)))\n"
        "print('up', flush=True)\n"
        "time.sleep(100)"
    )
    launched, folder = either.start(code)
    either.await_up(folder)

    launched.cancel()

    assert (either.home / "saved").read_text() == "1"


@pytest.mark.parametrize("sandbox", ["cold"], indirect=True)  # the starter of this test is a cold one
def test_a_job_goes_on_when_its_starter_is_killed_and_another_adopts_it(sandbox, tmp_path):
    script = tmp_path / "starter.py"
    folder = sandbox.control()
    code = 'import os, time\nwhile not os.path.exists("go"): time.sleep(0.05)\nopen("done", "a").write("1")'
    script.write_text(
        f"import sys, time; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path, PurePosixPath\n"
        "from hub.jobs import *\nfrom hub.launchers import SandboxLauncher\nfrom nfs.mounts import Mount\n"
        f"home = Mount(Path({str(sandbox.home)!r}), PurePosixPath('/home/jovyan'), 'rw')\n"
        f"code, python = {code!r}, {sandbox.job('').argv[0]!r}\njob = Job((python, '-c', code),\n"
        "    PurePosixPath('/home/jovyan'), {'PATH': '/usr/bin:/bin'}, (home,), Account(23456, 23456),\n"
        "    Limits(1, 300 << 20, 30, 60, 50 << 20))\n"
        f"SandboxLauncher().start(job, Path({str(folder)!r}))\n"
        "print('started', flush=True)\ntime.sleep(100)\n"
    )
    starter = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "started\n"
    starter.send_signal(signal.SIGKILL)
    starter.wait()

    adopted = sandbox.launcher.adopt(folder)

    assert adopted.outcome() is None
    (sandbox.home / "go").touch()
    assert sandbox.end(adopted).reason == "exited"
    assert (sandbox.home / "done").read_text() == "1"


def test_starting_twice_from_one_folder_starts_once(either):
    folder = either.control()
    job = either.job("open('count', 'a').write('1')")

    either.end(either.launcher.start(job, folder))
    either.end(either.launcher.start(job, folder))

    assert (either.home / "count").read_text() == "1"


def test_a_folder_that_never_started_anything_has_nothing_to_adopt(either):
    assert either.launcher.adopt(either.control()) is None


def test_a_job_dies_with_its_supervisor_and_counts_as_lost(sandbox):
    launched, folder = sandbox.start("import time; time.sleep(4322)  # lost-of-the-tests")
    supervisors = [p for p in marked(str(folder)) if "hub.supervisor" in " ".join(p.info["cmdline"])]
    wait_for(lambda: marked("lost-of-the-tests"), what="the job")

    supervisors[0].kill()

    assert sandbox.end(launched).reason == "lost"
    wait_for(lambda: marked("lost-of-the-tests") == [], seconds=10, what="the end of the sandbox")


@pytest.mark.skipif(
    not Path("/sys/fs/cgroup/memory").exists(), reason="control groups of version 1 are not here"
)
def test_no_control_group_is_left(sandbox):
    launched, folder = sandbox.start("print(1)")
    wait_for(launched.outcome, what="its end")

    assert find_control_group(json.loads((folder / "plan.json").read_text())["name"]) is None


def test_what_a_job_uses_is_told_while_it_runs(either):
    code = "import time\nheld = bytearray(60_000_000)\nwhile time.process_time() < 1.5: pass\ntime.sleep(20)"
    launched, _ = either.start(code)
    busy = wait_for(
        lambda: (used := launched.usage()).cpus > 0.1 and used.memory_bytes > 50 * MIB and used,
        seconds=30,
        what="figures of a job at work",
    )
    assert busy.peak_memory_bytes >= busy.memory_bytes

    idle = wait_for(
        lambda: (used := launched.usage()).cpus < 0.05 and used, seconds=30, what="figures of a job at rest"
    )
    assert idle.cpu_seconds >= 1
    launched.cancel()
