"""What a job can see and reach from inside its sandbox."""

from __future__ import annotations

import os
import socket
import stat
import threading
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from nfs.mounts import Mount
from tests.conftest import wait_for
from tests.hub.conftest import PERSON, ROOT

CONNECT = (
    "import socket; s = socket.create_connection(('127.0.0.1', {port}), 3)\n"
    "s.sendall(b'ping'); print(s.recv(4))"
)


def test_a_job_runs_as_its_person_without_any_capability(sandbox):
    code = "import os; print(os.getuid(), os.getgroups()); print(open('/proc/self/status').read())"
    _, log = sandbox.run(code)

    assert log.startswith(f"{PERSON.uid if ROOT else os.getuid()} ")
    assert "CapEff:\t0000000000000000" in log
    assert "CapBnd:\t0000000000000000" in log
    assert "NoNewPrivs:\t1" in log


@pytest.mark.skipif(not ROOT, reason="without root every file belongs to one user")
def test_what_a_job_writes_belongs_to_its_person(sandbox):
    sandbox.run("open('mine', 'w').write('1')")

    status = (sandbox.home / "mine").stat()
    assert (status.st_uid, status.st_gid) == (PERSON.uid, PERSON.gid)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/var",
        "/home/other",
        "/proc/1/environ",
        "/sys/fs",
        "/run/docker.sock",
    ],
)
def test_nothing_else_of_the_machine_can_be_read(sandbox, path):
    code = (
        f"import os\ntry: print(os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read())"
    )
    outcome, log = sandbox.run(code + "\nexcept OSError as error: print('refused', type(error).__name__)")

    assert log.startswith(("refused", "[]"))
    assert outcome.exit_code == 0


def test_a_file_beside_what_is_mounted_is_not_there(sandbox, tmp_path):
    beside = tmp_path / "beside"
    beside.write_text("secret")
    _, log = sandbox.run(f"import os; print(os.path.exists({str(beside)!r}))")

    assert log == "False\n"


def test_a_job_sees_only_its_own_processes(sandbox):
    _, log = sandbox.run(
        "import os; print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit())[-1] < 20)"
    )

    assert log == "True\n"


def test_a_read_only_share_refuses_writes_and_another_takes_them(sandbox, tmp_path):
    shares = {}
    for name, mode in (("readers", "ro"), ("writers", "rw")):
        folder = tmp_path / name
        folder.mkdir()
        folder.chmod(0o777)
        shares[name] = Mount(folder, PurePosixPath(f"/shared/{name}"), mode)
    code = (
        "open('/shared/writers/x', 'w').write('1')\n"
        "try: open('/shared/readers/x', 'w')\n"
        "except OSError as error: print(error.strerror)"
    )
    _, log = sandbox.run(code, mounts=tuple(shares.values()))

    assert log == "Read-only file system\n"
    assert (tmp_path / "writers" / "x").read_text() == "1"


def test_the_environment_is_only_what_was_given(sandbox, monkeypatch):
    monkeypatch.setenv("LABFORK_SECRET", "do not tell")
    _, log = sandbox.run("import os; print(sorted(os.environ))")

    assert "LABFORK_SECRET" not in log
    assert "HOME" in log


@pytest.mark.parametrize(
    "attempt",
    [
        "import os; os.setuid(0)",
        "import os; os.chroot('/tmp')",
        "import ctypes\nif ctypes.CDLL(None).mount(b'/tmp', b'/usr', None, 4096, None): raise OSError",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "import os, time; os.kill(1, 9); time.sleep(0.2); os.kill(1, 0); raise OSError('still there')",
        "open('/usr/bin/evil', 'w')",
        "import os; os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0)); open('/tmp/disk')",
    ],
    ids=["setuid", "chroot", "mount", "raw socket", "kill init", "write usr", "device"],
)
def test_an_attempt_to_gain_rights_is_refused(sandbox, attempt):
    code = (
        f"try:\n    exec({attempt!r})\n    print('done')\nexcept (OSError, PermissionError): print('refused')"
    )
    _, log = sandbox.run(code)

    assert log == "refused\n"


def test_without_a_network_nothing_of_the_machine_is_reached(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = CONNECT.format(port=port)
        _, log = sandbox.run(f"try: exec({code!r})\nexcept OSError as error: print(type(error).__name__)")

    assert log == "ConnectionRefusedError\n"


def test_a_listener_lets_connections_in_by_a_socket_that_the_job_cannot_touch(sandbox, tmp_path):
    path = tmp_path / "in"
    code = (
        "import os, socket\n"
        "with socket.create_server(('127.0.0.1', 8888)) as server:\n"
        "    connection, _ = server.accept()\n"
        "    connection.sendall(connection.recv(4).upper())\n"
        f"print(os.path.exists({str(path)!r}))"
    )
    launched, folder = sandbox.start(code, listeners=[(path, 8888)])

    def answer():
        if not path.exists():
            return b""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"ping")
            return client.recv(4)

    assert wait_for(answer, seconds=20, what="the job to listen") == b"PING"
    sandbox.end(launched)
    assert (folder / "log").read_text() == "False\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_forward_reaches_its_socket_and_only_that(sandbox, tmp_path):
    folder = tmp_path / "socket"
    folder.mkdir()
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o666)
        server.listen()

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(4).upper())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        _, log = sandbox.run(CONNECT.format(port=45678), forwards=[(45678, path)])
        thread.join(10)

    assert log == "b'PING'\n"


@pytest.mark.skipif(not ROOT, reason="only root makes device files")
@pytest.mark.parametrize(("given", "works"), [(True, True), (False, False)])
def test_a_device_works_for_the_job_that_was_given_it_and_for_no_other(sandbox, tmp_path, given, works):
    device = tmp_path / "card0"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # as /dev/zero
    device.chmod(0o666)
    job = sandbox.job(f"print(open({str(device)!r}, 'rb').read(3))")
    launched = sandbox.launcher.start(replace(job, devices=(device,) if given else ()), sandbox.control())

    assert (sandbox.end(launched).exit_code == 0) is works
