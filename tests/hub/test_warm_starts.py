"""Jobs that are forks of the fork server: the same inside as others, and held as they are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

import hub.notebook_runner
from hub.environments.bytecode import packages_folder
from hub.launchers import SandboxLauncher
from hub.sandbox import Host
from hub.warm import LOADED, WANTED
from hub.warm.asking import WarmStarts
from hub.warm.serving import answer
from nfs.mounts import Mount
from tests.hub.conftest import PERSON, ROOT, Runner
from tests.publishing import notebook

INSIDE = """
import json, os, resource, site, sys
def read(path):
    try: return open(path).read()
    except OSError as error: return error.strerror
def status(*names):
    return [line for line in read('/proc/self/status').splitlines() if line.split(':')[0] in names]
mounts = [line.split() for line in read('/proc/self/mountinfo').splitlines()]
print(json.dumps({
    'status': status('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs',
        'Seccomp', 'Seccomp_filters', 'SigBlk', 'SigIgn', 'Threads', 'Umask'),
    'namespaces': {kind: os.readlink(f'/proc/self/ns/{kind}') for kind in os.listdir('/proc/self/ns')},
    'of process 1': {kind: read(f'/proc/1/ns/{kind}') for kind in ('mnt',)},
    'descriptors': sorted(fd for fd in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{fd}')),
    'input': os.readlink('/proc/self/fd/0'),
    'limits': [resource.getrlimit(n) for n in range(16)],
    'environment': dict(os.environ),
    'folder': os.getcwd(),
    'mounts': sorted((m[4], m[5]) for m in mounts),
    'root': sorted(os.listdir('/')),
    'own session': os.getsid(0) == os.getpid() or os.getsid(0) != 0,
    'terminal': read('/dev/tty'),
    'oom': (read('/proc/self/oom_score_adj'), os.nice(0)),
    'comm': read('/proc/self/comm'),
    'memory of process 1': read('/proc/1/mem'),
    'python': (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.executable, sys.path, sys.argv),
    'ours': [name for name in sys.modules if name.split('.')[0] == 'hub'],
}))
"""


def inside(runner, **more) -> dict:
    """Return what a job of `runner` sees."""
    outcome, log = runner.run(INSIDE, **more)
    assert outcome.exit_code == 0, log
    return json.loads(log)


def test_a_warm_job_sees_and_may_what_a_cold_one_does(warm, unwarmed):
    seen, expected = inside(warm), inside(unwarmed)

    ours = {kind.name: str(kind.readlink()) for kind in Path("/proc/self/ns").iterdir()}
    foreign = [{k for k, v in each.pop("namespaces").items() if v != ours[k]} for each in (seen, expected)]
    assert foreign[0] == foreign[1] >= {"mnt", "pid", "ipc", "uts", "net"}
    assert seen == expected


def test_nothing_of_the_fork_server_is_told_to_a_job(warm):
    _, log = warm.run("print(open('/proc/self/environ').read()); print(open('/proc/self/cmdline').read())")

    first, _, command = log.partition("\n")
    assert set(first.split("\0")) - {""} == {
        "HOME=/home/jovyan",
        "USER=jovyan",
        "LANG=C.UTF-8",
        f"PATH={os.defpath}",
    }
    assert command.startswith(str(warm.environment / "bin" / "python"))
    assert "hub.warm" not in command


def test_a_job_of_another_environment_uses_that_one(warm, tmp_path):
    environment = copy_of(warm.environment, tmp_path)
    (packages_folder(environment) / "own_module.py").write_text("import os; uid = os.getuid()")
    warm.environment = environment
    code = "import own_module, jupyterlab, sys; print(own_module.__file__, own_module.uid, sys.prefix)"
    _, log = warm.run(code)

    uid = PERSON.uid if ROOT else os.getuid()
    module = packages_folder(environment) / "own_module.py"
    assert log == f"{module} {uid} {environment}\n"


def test_what_an_environment_runs_at_the_start_has_no_rights(warm, tmp_path):
    environment = copy_of(warm.environment, tmp_path)
    evil = "import os; print(os.getuid(), [l for l in open('/proc/self/status') if 'CapEff' in l][0][-17:])\n"
    (packages_folder(environment) / "evil.pth").write_text(evil)
    for name in ("encodings", "errno", "asyncio"):
        (packages_folder(environment) / f"{name}.py").write_text("open('/home/jovyan/taken', 'w')")
    warm.environment = environment
    _, log = warm.run("print('ran')")

    assert log.split() == [str(PERSON.uid if ROOT else os.getuid()), "0" * 16, "ran"]
    assert not (warm.home / "taken").exists()


def copy_of(environment: Path, folder: Path) -> Path:
    """Return a copy of an environment that may be changed, files shared with the first."""
    copy = folder / "environments" / "copy"
    shutil.copytree(environment, copy, symlinks=True, copy_function=os.link)
    return copy


def test_a_job_outlives_the_fork_server_and_tells_how_it_ended(warm, fork_server):
    code = "import os, sys, time\nprint('up', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.05)"
    launched, folder = warm.start(f"{code}\nsys.exit(9)")
    warm.await_up(folder)
    fork_server.kill()

    assert launched.outcome() is None
    (warm.home / "go").touch()
    assert warm.end(launched).exit_code == 9


def test_without_the_fork_server_a_job_starts_all_the_same(warm, fork_server):
    fork_server.kill()
    outcome, log = warm.run("print('ran')")

    assert (outcome.exit_code, log) == (0, "ran\n")


def test_a_job_killed_by_a_signal_ends_with_the_code_of_a_shell(sandbox):
    outcome, _ = sandbox.run("import os; os.kill(os.getpid(), 15)")

    assert (outcome.reason, outcome.exit_code) == ("exited", 143)


def test_random_numbers_differ_between_forks(warm):
    code = "import random, uuid, tempfile; print(random.random(), uuid.uuid4(), tempfile.mktemp())"

    assert set(warm.run(code)[1].split()).isdisjoint(warm.run(code)[1].split())


def test_an_exception_is_written_and_ends_the_job_with_1(warm):
    outcome, log = warm.run("raise ValueError('seen')")

    assert outcome.exit_code == 1
    assert log.endswith("ValueError: seen\n")


@pytest.fixture
def handled(tmp_path) -> Iterator[Path]:
    """A file in which our handler of SIGTERM says which process ran it."""
    file = tmp_path / "handled"
    before = signal.signal(signal.SIGTERM, lambda *_: file.write_text(str(os.getpid())))
    yield file
    signal.signal(signal.SIGTERM, before)


def take_with_a_signal(monkeypatch, job: Path, *, to_the_fork: bool) -> None:
    """Have a fork take `job` on; it or we get SIGTERM in the moment of the fork."""
    fork = os.fork

    def signalled() -> int:
        if ((pid := fork()) == 0) == to_the_fork:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    job.mkdir()
    asker, asked = socket.socketpair()
    with monkeypatch.context() as patched, asker, asked, socket.socket() as listener:
        patched.setattr(os, "fork", signalled)
        asker.sendall(os.fsencode(job))
        answer(listener, asked, lambda folder: None)


def test_a_signal_to_a_fork_that_has_just_begun_ends_it_and_is_none_to_us(handled, monkeypatch, tmp_path):
    take_with_a_signal(monkeypatch, tmp_path / "job", to_the_fork=True)

    assert not handled.exists()
    assert not (tmp_path / "job" / "started").exists()


def test_a_signal_to_us_while_we_fork_is_heeded_by_us_alone(handled, monkeypatch, tmp_path):
    take_with_a_signal(monkeypatch, tmp_path / "job", to_the_fork=False)

    assert handled.read_text() == str(os.getpid())
    assert (tmp_path / "job" / "started").exists()


@pytest.fixture
def told(tmp_path) -> WarmStarts:
    """What a launcher knows of a fork server that has loaded one distribution."""
    (tmp_path / "warm").mkdir()
    loaded = {
        "environment": "/environments/base",
        "python": str(Path(sys.executable).resolve()),
        "distributions": ["six-1.17.0.dist-info"],
    }
    (tmp_path / "warm" / LOADED).write_text(json.dumps(loaded))
    return WarmStarts(tmp_path / "warm")


def job_in(warm_job, folder: Path, *distributions: str, python: str = sys.executable):
    """Return a job whose environment has these distributions, and a Python."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    for name in distributions:
        (packages_folder(folder) / name).mkdir(parents=True)
    target = PurePosixPath("/environments/own")
    mounts = (Mount(folder, target, "ro"),)
    return replace(warm_job, argv=("/environments/own/bin/python", "-I", "/x.py"), mounts=mounts)


@pytest.mark.parametrize(
    ("distributions", "fits"),
    [(["six-1.17.0.dist-info", "more-1.dist-info"], True), (["six-1.16.0.dist-info"], False)],
    ids=["same version", "another version"],
)
def test_only_an_environment_with_every_loaded_version_is_started_warm(told, tmp_path, distributions, fits):
    job = job_in(plain_job(tmp_path), tmp_path / "own", *distributions)
    changed, plan = told.prepared(job, Host.here())

    assert (plan is not None) == fits
    assert (PurePosixPath("/environments/base") in [mount.target for mount in changed.mounts]) == fits


def test_an_environment_of_another_python_starts_cold(told, tmp_path):
    job = job_in(
        plain_job(tmp_path), tmp_path / "own", "six-1.17.0.dist-info", python="/usr/bin/other-python"
    )

    assert told.prepared(job, Host.here())[1] is None


@pytest.mark.parametrize("argv", [("/usr/bin/git", "status"), ("/environments/own/bin/python", "-c", "1")])
def test_a_command_that_a_fork_cannot_be_starts_cold(told, tmp_path, argv):
    job = job_in(plain_job(tmp_path), tmp_path / "own", "six-1.17.0.dist-info")

    assert told.prepared(replace(job, argv=argv), Host.here())[1] is None


def test_variables_that_an_interpreter_reads_at_its_start_need_a_cold_one(told, tmp_path):
    job = job_in(plain_job(tmp_path), tmp_path / "own", "six-1.17.0.dist-info")

    assert told.prepared(replace(job, env={"PYTHONOPTIMIZE": "1"}), Host.here())[1] is None


def test_the_first_job_that_could_be_warm_has_the_fork_server_load(told, tmp_path):
    (told.folder / LOADED).unlink()
    job = job_in(plain_job(tmp_path), tmp_path / "own", "six-1.17.0.dist-info")

    assert told.prepared(job, Host.here())[1] is None
    assert (told.folder / WANTED).exists()


def plain_job(folder: Path):
    """Return any job."""
    return Runner(SandboxLauncher(), folder).job("")


def test_a_run_and_its_kernel_are_forks_that_use_the_environment(warm):
    folders = {name: warm.folder / name for name in ("project", "result")}
    for folder in folders.values():
        folder.mkdir()
        if ROOT:
            os.chown(folder, PERSON.uid, PERSON.gid)
    code = "import sys; print(sys.executable, 'run.py' in open('/proc/self/cmdline').read(), __name__)"
    (folders["project"] / "a.ipynb").write_text(notebook(code))
    inside_run = PurePosixPath("/srv/run")
    paths = {name: str(inside_run / name) for name in folders}
    (warm.folder / "request.json").write_text(json.dumps({"notebook": "a.ipynb", "parameters": {}, **paths}))
    mounts = (
        *(Mount(folder, inside_run / name, "rw") for name, folder in folders.items()),
        Mount(warm.folder / "request.json", inside_run / "request.json", "ro"),
        Mount(Path(hub.notebook_runner.__file__).parent, inside_run / "runner", "ro"),
    )
    job = warm.job("", mounts=mounts, memory_bytes=1 << 30)
    python = job.argv[0]
    program = (python, "-I", str(inside_run / "runner" / "run.py"), str(inside_run / "request.json"))
    outcome = warm.end(warm.launcher.start(replace(job, argv=program), control := warm.control()))

    assert outcome.exit_code == 0, (control / "log").read_text()
    assert f"{python} True __main__" in (folders["result"] / "notebook.ipynb").read_text()
    assert "A small notebook" in (folders["result"] / "report.html").read_text()
