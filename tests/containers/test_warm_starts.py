"""Jobs that are forks of the fork server and have entered a container: the same inside as others."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import psutil
import pytest
import requests

from hub.container_supervisor import ContainerSupervisor
from hub.process_tree import children
from hub.warm import LOADED, SOCKET, WANTED, container_forks
from hub.warm.asking import WarmContainers
from hub.warm.confinement import NotTheSameError, compare, confinement_of
from hub.warm.container_asking import ForkedJob
from hub.warm.containers import PREFIX, ForkServerInContainer
from hub.warm.entering import KINDS
from hub.warm.seccomp import filters_of
from hub.warm.waiting import keeping_command
from nfs.mounts import Mount
from tests.conftest import wait_for
from tests.containers.conftest import WarmRunner
from tests.hub.test_warm_starts import (  # noqa: F401 - collected here, with this folder's fixtures
    test_a_job_outlives_the_fork_server_and_tells_how_it_ended,
    test_a_run_and_its_kernel_are_forks_that_use_the_environment,
    test_a_warm_job_sees_and_may_what_a_cold_one_does,
    test_an_exception_is_written_and_ends_the_job_with_1,
    test_random_numbers_differ_between_forks,
)

WATCHER = """
import os
me, seen = str(os.getpid()), set()
for _ in range(200_000):
    for pid in os.listdir("/proc"):
        if pid.isdigit() and pid != me:
            try:
                folder = f"/proc/{pid}/fd"
                seen.update(os.readlink(f"{folder}/{fd}").split(":")[0] for fd in os.listdir(folder))
            except OSError:
                continue
    if os.path.exists("/home/jovyan/enough"):
        break
open("/home/jovyan/seeing", "w").write(" ".join(seen))
os.rename("/home/jovyan/seeing", "/home/jovyan/seen")
"""


def test_a_fork_is_under_the_engines_own_filter_of_system_calls(warm):
    code = (
        "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.unshare(0x10000000), os.strerror(ctypes.get_errno()))\n"  # CLONE_NEWUSER
        "print(libc.syscall(250, 0, 0), os.strerror(ctypes.get_errno()))\n"  # keyctl of x86_64
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp:')])"
    )

    assert warm.run(code)[1].splitlines() == ["-1 Operation not permitted"] * 2 + ["['2']"]


def test_what_watches_in_a_container_from_its_beginning_sees_no_descriptor_of_ours(warm):
    (warm.folder / "watcher.py").write_text(WATCHER)
    shell = warm.folder / "sh"
    shell.write_text('#!/bin/bash\n/srv/venv/bin/python /opt/watcher.py &\nexec /bin/bash "$@"\n')
    shell.chmod(0o755)
    mounts = (
        Mount(warm.folder / "watcher.py", PurePosixPath("/opt/watcher.py"), "ro"),
        Mount(shell, PurePosixPath("/usr/bin/dash"), "ro"),
    )
    code = (
        "import os, time; time.sleep(1); open('enough', 'w').close()\nwhile not os.path.exists('seen'): "
        "time.sleep(0.05)\nprint(open('seen').read())"
    )
    _, log = warm.run(code, mounts=mounts)

    seen = set(log.split())
    assert "pipe" in seen
    assert {each for each in seen if each in (*KINDS, "socket") or each.endswith("cgroup.procs")} == set()


def test_without_the_fork_server_a_job_starts_all_the_same(warm, fork_server):
    fork_server.kill()
    launched, folder = warm.start("print('ran')")
    outcome = super(WarmRunner, warm).end(launched)

    assert (outcome.exit_code, (folder / "log").read_text()) == (0, "ran\n")


def test_a_fork_server_that_was_killed_leaves_nothing_that_hinders_the_next(fork_server, warm):
    [forks] = psutil.Process(fork_server.process.pid).children()
    fork_server.kill()
    forks.wait(10)
    fork_server.start()

    assert warm.run("print('ran')")[1] == "ran\n"


def test_a_fork_server_that_died_alone_is_started_again_when_it_is_wanted(fork_server, warm):
    [forks] = psutil.Process(fork_server.process.pid).children()
    forks.kill()
    wait_for(lambda: fork_server.starts.loaded() is None, what="the fork server to be cleared up")
    fork_server.await_loaded()

    assert warm.run("print('ran')")[1] == "ran\n"


def test_nothing_is_left_of_a_fork_server_whose_workspace_stops(fork_server, docker_engine):
    def containers() -> list[str]:
        return [
            found.name for found in docker_engine.client.containers.list(all=True, filters={"name": PREFIX})
        ]

    assert len(containers()) == 1
    fork_server.process.send_signal(signal.SIGINT)
    fork_server.process.wait(30)

    assert (containers(), fork_server.starts.loaded()) == ([], None)


def test_what_enters_a_container_and_cannot_leave_is_ended(monkeypatch):
    monkeypatch.setattr(container_forks, "_enter", lambda *_: signal.pause())
    monkeypatch.setattr(container_forks, "ENTERING_SECONDS", 0.2)
    ours, _ = socket.socketpair()
    before = psutil.Process().children()

    with pytest.raises(OSError, match="takes too long"):
        container_forks._fork_into({}, [], ours)
    assert psutil.Process().children() == before


def test_a_job_is_lost_when_the_engine_goes_away(tmp_path):
    class Gone:
        def wait(self, timeout):
            raise requests.ConnectionError

    plan = {"limits": {"log_bytes": 1}, "writable": [], "warm": None}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    supervisor = ContainerSupervisor(tmp_path)
    supervisor.status = 137
    supervisor._await_engine(Gone())

    assert supervisor.ended.is_set()
    assert supervisor.status is None


def test_a_repository_with_a_file_start_begins_with_that(warm, images):
    start = '#!/bin/sh\nexport SET_BY_START=yes\nexec "$@"\n'
    warm.key, _ = images.build({"start": start})
    launched, folder = warm.start("import os; print(os.environ['SET_BY_START'])")
    outcome = super(WarmRunner, warm).end(launched)

    assert (outcome.exit_code, (folder / "log").read_text()) == (0, "yes\n")
    assert "R2D_ENTRYPOINT" in (folder / "supervisor.log").read_text()


WAYS = {
    "limits": ["prlimit", "--nofile=99"],
    "Umask": ["sh", "-c", 'umask 077; exec "$@"', "sh"],
    "Uid": ["setpriv", "--reuid=23456"],
    "Groups": ["setpriv", "--groups=23456"],
    "NoNewPrivs": ["setpriv", "--no-new-privs"],
    "CapBnd": ["setpriv", "--bounding-set=-kill"],
    "uts": ["unshare", "--uts"],
    "oom_score_adj": ["choom", "--adjust=500", "--"],
    "filters": [
        sys.executable,
        "-c",
        "import os, sys; from hub.warm.seccomp import take_on\n"
        "take_on([bytes([6, 0, 0, 0, 0, 0, 255, 127])]); os.execvp(sys.argv[1], sys.argv[1:])",  # allow all
    ],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_that_differs_in_anything_does_not_begin(way):
    ours = subprocess.Popen(["sleep", "60"])
    theirs = subprocess.Popen([*WAYS[way], "sleep", "60"])
    try:
        while Path(f"/proc/{theirs.pid}/comm").read_text() != "sleep\n":
            assert theirs.poll() is None
        confinement = confinement_of(ours.pid)
        compare(ours.pid, ours.pid, confinement)
        with pytest.raises(NotTheSameError, match=way):
            compare(ours.pid, theirs.pid, confinement)
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait()


def test_what_a_job_leaves_behind_ends_with_it(warm):
    behind = "import time; time.sleep(4); open('/home/jovyan/late', 'w')"
    outcome, _ = warm.run(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {behind!r}])")

    assert outcome.exit_code == 0
    assert not (warm.home / "late").exists()


def test_what_is_written_by_the_containers_own_process_is_kept_and_holds_nothing_up(warm):
    outcome, log = warm.run("open('/proc/1/fd/1', 'wb').write(b'x' * 8_000_000)")

    assert outcome.exit_code == 0
    assert log.startswith("xxx")


def test_an_end_that_makes_no_sense_is_not_known():
    keeper, teller = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    teller.send(b"never")

    assert ForkedJob(-1, -1, keeper).wait() is None


def test_an_image_that_is_gone_is_fetched_from_nowhere(docker_engine, tmp_path, capfd):
    asked = []

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as registry:
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        record(tmp_path, "gone")
        (tmp_path / WANTED).touch()
        image = f"localhost:{registry.server_port}/labfork:gone"
        attempts(ForkServerInContainer(tmp_path, tmp_path, docker_engine.host, image), 1)
        registry.shutdown()

    assert "No such image" in capfd.readouterr().err
    assert asked == []


def attempts(forks: ForkServerInContainer, count: int) -> None:
    """Want a fork server that cannot be started, so many times, and wait until it has been given up."""
    for _ in range(count):
        wait_for(lambda: forks.look() or not (forks._folder / WANTED).exists(), what="what was before")
        (forks._folder / WANTED).touch()
        wait_for(lambda: forks.look() or not (forks._folder / WANTED).exists(), what="the attempt")


def test_that_the_engine_is_away_is_said_once_until_it_is_there_again(docker_engine, tmp_path, capfd):
    record(tmp_path, "gone")
    forks = ForkServerInContainer(tmp_path, tmp_path, f"unix://{tmp_path}/nothing", "x:gone")
    attempts(forks, 3)

    assert capfd.readouterr().err.count("cannot be started") == 1


def test_while_the_engine_hangs_supervisors_are_forked_all_the_same(silent_engine, tmp_path):
    folder, job = tmp_path / "warm", tmp_path / "job"
    job.mkdir()
    plan = {"limits": {"log_bytes": 99}, "writable": [], "host": "unix:///nowhere", "options": {}}
    (job / "plan.json").write_text(json.dumps(plan))
    record(tmp_path, "own")
    with (tmp_path / "log").open("wb") as log:
        keeper = subprocess.Popen(keeping_command(folder, tmp_path, silent_engine, "x:own"), stderr=log)
    try:
        starts = WarmContainers(folder, tmp_path)
        wait_for(lambda: starts.expect() or (folder / WANTED).exists(), what="its folder")
        wait_for((folder / SOCKET).exists, seconds=20, what="its socket")
        time.sleep(1)  # so that it has looked
        assert starts.ask(job)
        wait_for((job / "exit.json").exists, seconds=5, what="the end of a job without an engine")
    finally:
        keeper.terminate()
        assert keeper.wait(20) == 0


def test_a_first_process_that_has_ended_is_not_looked_into():
    ended = subprocess.Popen(["true"])
    wait_for(lambda: psutil.Process(ended.pid).status() == psutil.STATUS_ZOMBIE, what="its end")
    try:
        with pytest.raises(OSError, match="has ended"):
            confinement_of(ended.pid)
    finally:
        ended.wait()


def test_a_fork_leaves_the_workspaces_keys():
    code = (
        "from hub.warm.entering import KEYCTL, LIBC, leave_keys; import os\n"
        "number = KEYCTL[os.uname().machine]\n"
        "def session() -> int: return LIBC.syscall(number, 0, -3, 1)\n"  # KEYCTL_GET_KEYRING_ID
        "before = session(); leave_keys(); print(before > 0, session() > 0, session() != before)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout == "True True True\n"


def test_a_process_of_its_own_keeps_no_descriptor_however_few_it_may_have():
    code = (
        "import os, resource; from hub.warm.forking import settle\n"
        "many = [os.open('/', os.O_RDONLY) for _ in range(20)]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (many[5], many[5])); os.close(many[0])\n"
        "if os.fork() == 0:\n"
        "    settle(1, keep=[many[9]])\n"
        "    print([number for number in many if os.path.lexists(f'/proc/self/fd/{number}')] == [many[9]])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout == "True\n"


@pytest.fixture
def never_stops(tmp_path) -> Iterator[int]:
    """A process that waits in the kernel for a child that never executes: it cannot be stopped there."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = (
        "import os, sys; waits = [(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)]\n"
        "os.posix_spawn('/bin/true', ['true'], {}, file_actions=waits)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, fifo])
    try:
        wait_for(lambda: children(process.pid), what="its child")
        yield process.pid
    finally:
        os.close(os.open(fifo, os.O_RDWR))  # the child goes on, and so does the process
        process.wait()


def test_a_process_that_cannot_be_stopped_holds_nobody_up(never_stops):
    with pytest.raises(TimeoutError, match="does not stop"):
        filters_of(never_stops)


@pytest.fixture
def told(tmp_path) -> WarmContainers:
    """What a launcher knows of a fork server that has loaded one distribution, and of two images."""
    starts = WarmContainers(tmp_path / "warm", tmp_path)
    starts.folder.mkdir()
    loaded = {"image": "x:base", "distributions": ["typing_extensions-4.1.dist-info"], "variables": {}}
    (starts.folder / LOADED).write_text(json.dumps(loaded))
    record(tmp_path, "base")
    return starts


def record(folder: Path, key: str, **changes) -> None:
    """Write down what is known of an image."""
    known = {
        "python": "/srv/venv/bin/python",
        "program": "1",
        "packages_folder": "/srv/venv/packages",
        "packages": {"Typing.Extensions": "4.1", "more": "1"},
    }
    (folder / f"{key}.json").write_text(json.dumps({**known, **changes}))


@pytest.fixture
def plain_job(container):
    """A job that the Python of an image runs."""
    return replace(container.job(""), argv=("/srv/venv/bin/python", "-I", "/x.py"))


def test_an_image_that_has_what_is_loaded_is_started_warm(told, plain_job, tmp_path):
    record(tmp_path, "own")

    assert told.prepared(plain_job, "x:own")["argv"] == list(plain_job.argv)


@pytest.mark.parametrize(
    "changes",
    [
        {"program": "2"},
        {"python": "/usr/bin/python3"},
        {"packages": {"typing-extensions": "4.2"}},
        {"packages": {}},
    ],
    ids=["another program", "another place", "another version", "without it"],
)
def test_an_image_that_differs_in_what_is_loaded_starts_cold(told, plain_job, tmp_path, changes):
    record(tmp_path, "own", **changes)

    assert told.prepared(plain_job, "x:own") is None


def test_an_image_of_which_nothing_is_known_starts_cold(told, plain_job):
    assert told.prepared(plain_job, "debian:12") is None


def test_the_first_job_that_could_be_warm_has_the_fork_server_load(told, plain_job):
    (told.folder / LOADED).unlink()

    assert told.prepared(plain_job, "x:base") is None
    assert (told.folder / WANTED).exists()
