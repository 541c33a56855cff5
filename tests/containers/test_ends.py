"""How jobs in containers end, and whose doing that was: the same by either way to start."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hub import container_end
from hub.container_end import end_of
from hub.container_supervisor import ENGINE_ERRORS
from hub.containers import GATE, PREFIX, container_name
from tests.conftest import wait_for
from tests.hub.test_launchers import marked

AT_ONCE = 8.0  # seconds, on a busy machine; an engine that stops gives its containers ten

SAVES = """
import signal, sys, time
def save(number, _):
    open("saved", "a").write(f"{number} ")
    if number == signal.SIGTERM:
        time.sleep(0.5)
        open("saved", "a").write("in time")
        sys.exit(5)
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, save)
print("up", flush=True)
while True:
    time.sleep(0.1)
"""


def container_of(docker_engine, folder: Path):
    """Return the container of the job that `folder` started."""
    return docker_engine.client.containers.get(container_name(folder))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_ends_by_a_signal_of_its_own_is_recorded_at_once(either, number):
    code = f"import os, time; print(time.time(), flush=True); os.kill(os.getpid(), {number.value})"
    launched, folder = either.start(code)
    outcome = either.end(launched)

    assert (outcome.reason, outcome.exit_code) == ("exited", 128 + number)
    assert (folder / "exit.json").stat().st_mtime - float((folder / "log").read_text()) < AT_ONCE


def test_how_much_memory_a_short_job_took_is_told(either):
    outcome, _ = either.run("import time; held = bytearray(90_000_000); time.sleep(0.3)")

    assert outcome.peak_memory_bytes > 90_000_000


def test_a_job_that_ends_its_own_container_is_recorded_at_once(warm):
    code = (
        "import os, pathlib, time; print(time.time(), flush=True)\n"
        "for path in pathlib.Path('/proc').glob('[0-9]*/stat'):\n"
        "    if path.read_text().rpartition(')')[2].split()[1] == '1': os.kill(int(path.parent.name), 9)\n"
        "time.sleep(4331)"
    )
    launched, folder = warm.start(code)
    outcome = warm.end(launched)

    assert (outcome.reason, outcome.exit_code) == ("exited", 128 + signal.SIGKILL)
    assert (folder / "exit.json").stat().st_mtime - float((folder / "log").read_text()) < AT_ONCE


def test_a_job_whose_container_somebody_stops_has_time_to_save_and_is_lost(either, docker_engine):
    launched, folder = either.start(SAVES)
    either.await_up(folder)
    began = time.monotonic()

    stopping = threading.Thread(target=container_of(docker_engine, folder).stop)
    stopping.start()

    assert either.end(launched).reason == "lost"
    assert (either.home / "saved").read_text() == f"{signal.SIGTERM} in time"
    stopping.join()
    assert time.monotonic() - began < AT_ONCE  # the container ended when its job had


def test_a_signal_to_the_container_reaches_the_job_again_and_again(either, docker_engine):
    launched, folder = either.start(SAVES)
    either.await_up(folder)
    saved, container = either.home / "saved", container_of(docker_engine, folder)
    for count in (1, 2):
        container.kill(signal="SIGUSR1")
        wait_for(
            lambda count=count: saved.exists() and saved.read_text().split() == ["10"] * count,
            what="the signal",
        )

    assert launched.outcome() is None
    launched.cancel()
    assert saved.read_text() == "10 10 15 in time"


TELLS_SIGNALS = """
import signal
wanted = [signal.SIGUSR1, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("up", flush=True)
while True:
    print(int(signal.sigwait(wanted)), flush=True)
"""


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_what_stays_in_the_place_of_a_forked_job_passes_signals_on_until_its_input_ends(shell):
    job = subprocess.Popen([sys.executable, "-c", TELLS_SIGNALS], stdout=subprocess.PIPE)
    stays = subprocess.Popen([shell, *GATE[1:], "echo", "began"], stdin=subprocess.PIPE)
    try:
        assert job.stdout.readline() == b"up\n"
        stays.stdin.write(f"{job.pid}\n".encode())
        stays.stdin.flush()
        wait_for(lambda: _catches(stays.pid, signal.SIGTERM), what="the shell's traps")
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM):
            wait_for(lambda: psutil.Process(stays.pid).status() == psutil.STATUS_SLEEPING, what="the shell")
            stays.send_signal(number)
            assert job.stdout.readline() == f"{int(number)}\n".encode()
        assert stays.poll() is None
        stays.stdin.close()
        assert stays.wait(10) == 0
    finally:
        for process in (job, stays):
            process.kill()
            process.wait()


def _catches(pid: int, number: int) -> bool:
    """Whether a process has a handler of a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_job_whose_container_is_killed_is_lost_at_once(either, docker_engine):
    launched, folder = either.start("import time; print('up', flush=True); time.sleep(4332)")
    either.await_up(folder)
    began = time.monotonic()

    container_of(docker_engine, folder).kill()

    assert either.end(launched).reason == "lost"
    assert time.monotonic() - began < AT_ONCE


def test_a_job_whose_engine_stops_has_time_to_save_and_is_lost(either, docker_engine):
    launched, folder = either.start(SAVES)
    either.await_up(folder)

    docker_engine.restart()

    assert wait_for(launched.outcome, what="its end").reason == "lost"
    assert "no warm start" not in (folder / "supervisor.log").read_text()
    assert (either.home / "saved").read_text() == f"{signal.SIGTERM} in time"
    wait_for(lambda: not docker_engine.client.containers.list(filters={"name": PREFIX}), what="its removal")


def test_a_job_is_ended_while_its_engine_hangs_and_its_container_removed_later(either, docker_engine):
    launched, folder = either.start(SAVES + "# ended-while-the-engine-hangs")
    either.await_up(folder)
    began = time.monotonic()

    with docker_engine.hung():
        launched.cancel()
        assert time.monotonic() - began < 40  # once each: it saves, its output ends, the engine answers
        assert launched.outcome().reason == "cancelled"
        assert (either.home / "saved").read_text() == f"{signal.SIGTERM} in time"
        assert marked("ended-while-the-engine-hangs") == []
    wait_for(lambda: not docker_engine.client.containers.list(filters={"name": PREFIX}), what="its removal")


def test_an_engine_that_hangs_is_not_waited_for_for_ever(silent_engine, monkeypatch):
    monkeypatch.setattr(container_end, "ANSWER_SECONDS", 0.2)

    with pytest.raises(ENGINE_ERRORS):
        end_of(silent_engine, "x")


def test_an_engine_that_was_started_anew_knows_no_end_and_so_had_a_part_in_it(monkeypatch):
    class Restarted:  # one that is restarted between two answers cannot be had
        base_url = "http+docker://localhost"
        get = staticmethod(lambda *_, **__: SimpleNamespace(raise_for_status=lambda: None, text=""))
        inspect_container = staticmethod(lambda _: {"State": {"Running": False, "OOMKilled": False}})

    client = SimpleNamespace(api=Restarted, close=lambda: None)
    monkeypatch.setattr(container_end, "connect", lambda *_, **__: client)

    assert end_of("unix:///s", "x").from_outside
