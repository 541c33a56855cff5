"""What a job can see and reach from inside its container."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest

from hub.containers import PREFIX, ContainerLauncher, container_options
from hub.jobs import Account
from tests.conftest import CHECKOUT, wait_for
from tests.hub.test_launchers import marked
from tests.hub.test_mirror import (  # noqa: F401 - collected here, with this folder's fixtures
    index,
    mirrored,
    test_a_job_installs_a_package_and_reaches_nothing_else,
)
from tests.hub.test_sandbox import (  # noqa: F401 - collected here, with this folder's fixtures
    test_a_file_beside_what_is_mounted_is_not_there,
    test_a_forward_reaches_its_socket_and_only_that,
    test_a_job_runs_as_its_person_without_any_capability,
    test_a_job_sees_only_its_own_processes,
    test_a_read_only_share_refuses_writes_and_another_takes_them,
    test_an_attempt_to_gain_rights_is_refused,
    test_the_environment_is_only_what_was_given,
    test_what_a_job_writes_belongs_to_its_person,
    test_without_a_network_nothing_of_the_machine_is_reached,
)

SECRET = "token-nobody-may-see"


def ours(engine) -> list[str]:
    """Return the names of the containers of jobs that the engine has, running or not."""
    return [found.name for found in engine.client.containers.list(all=True, filters={"name": PREFIX})]


def test_nothing_of_a_container_is_left_when_its_job_has_ended(container, docker_engine):
    container.run("print(1)")

    assert ours(docker_engine) == []


def test_a_person_has_a_name_and_their_groups(container):
    _, log = container.run("import os, pwd; print(pwd.getpwuid(os.getuid()).pw_name, os.getgroups())")

    assert log == "jovyan [23456, 34567]\n"


def test_the_machines_own_accounts_and_engine_are_not_there(container):
    _, log = container.run(
        "import os\nprint(len(open('/etc/passwd').readlines()), os.path.exists('/var/run/docker.sock'))\n"
        "try: open('/etc/shadow')\nexcept PermissionError: print('refused')"
    )

    assert log == "1 False\nrefused\n"


def test_a_secret_of_a_job_is_on_no_command_line(container):
    job = container.job("import time; print('up', flush=True); time.sleep(60)")
    folder = container.control()
    launched = container.launcher.start(type(job)(**{**job.__dict__, "env": {"TOKEN": SECRET}}), folder)
    container.await_up(folder)

    assert marked(SECRET) == []
    assert (folder / "plan.json").stat().st_mode & 0o077 == 0
    launched.cancel()


def test_a_connection_from_outside_reaches_what_listens_inside(container, tmp_path):
    path = tmp_path / "in"
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 5555)); print('up', flush=True)\n"
        "c, _ = s.accept(); c.sendall(c.recv(4).upper()); c.close()"
    )
    launched, folder = container.start(code, listeners=[(path, 5555)])
    container.await_up(folder)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"ping")
        assert client.recv(4) == b"PING"
    assert container.end(launched).exit_code == 0


def test_root_is_refused(container, tmp_path):
    job = container.job("")

    with pytest.raises(ValueError, match="root's own number"):
        container_options(type(job)(**{**job.__dict__, "account": Account(0, 5)}), "x", tmp_path, "bridge")


def test_an_image_that_is_not_there_ends_the_job_in_words(container, docker_engine):
    container.launcher = ContainerLauncher("labfork-test/none:1", host=docker_engine.host)
    outcome, log = container.run("print(1)")

    assert (outcome.reason, outcome.exit_code) == ("exited", 127)
    assert "labfork-test/none:1" in log


def test_a_command_that_is_not_there_ends_the_job_in_words(container):
    job = container.job("")
    folder = container.control()
    launched = container.launcher.start(type(job)(**{**job.__dict__, "argv": ("/none",)}), folder)

    assert container.end(launched).exit_code == 127
    assert "/none" in (folder / "log").read_text()


def test_a_job_goes_on_when_its_starter_is_killed_and_another_adopts_it(container, docker_engine, tmp_path):
    folder = container.control()
    given = {"home": str(container.home), "image": docker_engine.base, "host": docker_engine.host}
    script = tmp_path / "starter.py"
    script.write_text(
        f"import json, sys, time; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path, PurePosixPath\nfrom hub.containers import ContainerLauncher\n"
        f"from hub.jobs import *\nfrom nfs.mounts import Mount\ngiven = json.loads({json.dumps(given)!r})\n"
        "home = PurePosixPath('/home/jovyan')\n"
        "code = 'while test ! -e go; do sleep 0.05; done; echo -n 1 >> done'\n"
        "job = Job(('/bin/sh', '-c', code), home, {}, (Mount(Path(given['home']), home, 'rw'),),\n"
        "    Account(23456, 23456), Limits(1, 300 << 20, 30, 60, 50 << 20))\n"
        f"ContainerLauncher(given['image'], host=given['host']).start(job, Path({str(folder)!r}))\n"
        "print('started', flush=True)\ntime.sleep(100)\n"
    )
    starter = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "started\n"
    starter.send_signal(signal.SIGKILL)
    starter.wait()

    adopted = container.launcher.adopt(folder)

    assert adopted.outcome() is None
    (container.home / "go").touch()
    assert container.end(adopted).reason == "exited"
    assert (container.home / "done").read_text() == "1"


def test_a_job_whose_supervisor_died_counts_as_lost_and_is_ended(container, docker_engine):
    launched, folder = container.start("import time; time.sleep(4323)  # lost-container-of-the-tests")
    wait_for(lambda: marked("lost-container-of-the-tests"), what="the job")

    for process in marked(str(folder)):
        process.kill()

    assert container.end(launched).reason == "lost"
    assert (ours(docker_engine), marked("lost-container-of-the-tests")) == ([], [])
