"""Launchers: a sandbox made by bubblewrap, and none at all where a machine has no bubblewrap."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hub.bell import ring
from hub.control_groups import find_control_group
from hub.jobs import Job, Launched, Launcher, Outcome, Usage
from hub.records import write_whole
from hub.sandbox import PROGRAMS, Host, account_files, sandbox_command, sandbox_options
from hub.supervisor import FILTER_FD, INFO_FD, OPTIONS_FD
from hub.syscalls import call_filter
from hub.usage import read_usage
from hub.warm.asking import WarmStarts
from nfs.mounts import Mount

__all__ = ["Launched", "Launcher", "PlainLauncher", "SandboxLauncher", "SupervisedJob"]

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 10.0
SUPERVISE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from hub.supervisor import main; main()"


class SandboxLauncher:
    """Runs jobs in bubblewrap sandboxes: only what a job mounts is there, and only as its account."""

    def __init__(self, host: Host | None = None, *, warm: WarmStarts | None = None) -> None:
        self._host = host or Host.here()
        self._warm = warm

    def start(self, job: Job, folder: Path) -> SupervisedJob:
        """Start `job` once; a folder that started it before gives that same job."""
        if (started := self.adopt(folder)) is not None:
            return started
        folder.mkdir(parents=True, exist_ok=True)
        etc = folder / "etc"
        etc.mkdir(exist_ok=True)
        for name, text in account_files(job.account, root=self._host.root).items():
            (etc / name).write_text(text, encoding="utf-8")
            (etc / name).chmod(0o644)
        if job.forwards or job.listeners:
            relay = Mount(Path(__file__).with_name("relay.py"), PROGRAMS / "relay.py", "ro")
            job = replace(job, mounts=(*job.mounts, relay))
        job, warm = self._warm.prepared(job, self._host) if self._warm else (job, None)
        filtered = call_filter()
        options = sandbox_options(job, self._host, etc, INFO_FD, FILTER_FD if filtered else None)
        command = ["bwrap", "--args", str(OPTIONS_FD), "--", *sandbox_command(job, self._host)]
        if warm is not None:
            warm["holder"] = ["bwrap", "--args", str(OPTIONS_FD), "--", *warm["holder"]]
        sandbox = {"options": options, "filter": filtered and filtered.hex(), "warm": warm}
        _write_plan(job, folder, command, cwd="/", env={"PATH": os.defpath}, sandbox=sandbox)
        if warm is None or self._warm is None or not self._warm.ask(folder):
            start_supervisor(folder)
        return SupervisedJob(folder)

    def adopt(self, folder: Path) -> SupervisedJob | None:
        """Return the job that was started from `folder`, running or ended; None if none ever was."""
        return _adopt(folder)


class PlainLauncher:
    """Runs jobs as ordinary processes of this user, with limits but without a sandbox.

    Only for a workspace that nobody but this machine's own user reaches. A job's paths inside are mapped to
    the folders they would be mounted from.
    """

    def start(self, job: Job, folder: Path) -> SupervisedJob:
        """Start `job` once; a folder that started it before gives that same job."""
        if (started := self.adopt(folder)) is not None:
            return started
        folder.mkdir(parents=True, exist_ok=True)
        outside = {str(mount.target): str(mount.source) for mount in job.mounts}
        environment = {name: to_outside(value, outside) for name, value in job.env.items()}
        argv = [to_outside(argument, outside) for argument in job.argv]
        cwd = to_outside(str(job.cwd), outside)
        _write_plan(job, folder, argv, cwd=cwd, env=environment)
        start_supervisor(folder)
        return SupervisedJob(folder)

    def adopt(self, folder: Path) -> SupervisedJob | None:
        """Return the job that was started from `folder`, running or ended; None if none ever was."""
        return _adopt(folder)


def to_outside(path: str, outside: Mapping[str, str]) -> str:
    """Return where `path` of a job lies on this machine; what lies below no mount is returned as it is."""
    for target in sorted(outside, key=len, reverse=True):
        if path == target or path.startswith(target + "/"):
            return outside[target] + path[len(target) :]
    return path


class SupervisedJob:
    """A job whose supervisor writes into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def outcome(self) -> Outcome | None:
        """Return how it ended, or None while it runs; `lost` when its supervisor died with it."""
        if (ended := self._ended()) is not None or _locked(self.folder):
            return ended
        if (ended := self._ended()) is not None:  # it ended between the two looks
            return ended
        _sweep(self.folder)
        return Outcome("lost", None, self.usage().peak_memory_bytes)

    def cancel(self) -> None:
        """End it with everything it started; returns when all of that is gone."""
        (self.folder / "cancel").touch()
        ring(self.folder)
        while self.outcome() is None:
            time.sleep(0.02)

    def _ended(self) -> Outcome | None:
        ended = _read(self.folder / "exit.json")
        return ended and Outcome(ended["reason"], ended["exit_code"], ended["peak_memory_bytes"])

    def usage(self) -> Usage:
        """Return what it used when its supervisor last looked."""
        return Usage(**{"memory_bytes": 0, "peak_memory_bytes": 0, **read_usage(self.folder)})


def _write_plan(
    job: Job,
    folder: Path,
    argv: list[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    sandbox: Mapping[str, Any] | None = None,
) -> None:
    """Write down what is to be started.

    `sandbox` has bubblewrap's `options`, the `filter` of system calls if there is one, and what a warm start
    needs, `warm`, if it is to be one.
    """
    sandboxed = sandbox is not None
    plan = {
        "name": _group_name(folder),
        "uid": job.account.uid if sandboxed and os.geteuid() == 0 else os.geteuid(),
        "argv": argv,
        "cwd": cwd,
        "env": dict(env),
        "limits": asdict(job.limits),
        "listeners": [str(listener.socket) for listener in job.listeners] if sandboxed else [],
        "writable": [str(path) for path in job.writable],
        "sandboxed": sandboxed,
        **(sandbox or {"options": None, "filter": None, "warm": None}),
    }
    write_whole(folder / "plan.json", json.dumps(plan))


def start_supervisor(
    folder: Path,
    program: str = SUPERVISE,
    *,
    options: Sequence[str] = ("-I", "-S"),
    seconds: float = START_SECONDS,
) -> None:
    """Start the supervisor `program` apart from us, and wait until it has taken the job of `folder` on."""
    with (folder / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *options, "-c", program, str(CHECKOUT), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if not (folder / "started").exists():
        words = (folder / "supervisor.log").read_text(encoding="utf-8", errors="replace")[-500:]
        raise OSError(f"the job's supervisor did not start: {words.strip() or 'no message'}")


def _group_name(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]


def _sweep(folder: Path) -> None:
    """End what a supervisor that was killed may have left behind."""
    if (group := find_control_group(_group_name(folder))) is not None:
        group.kill()
        group.close()


def _adopt(folder: Path) -> SupervisedJob | None:
    """Give back a job that was started; one that was only planned when its starter died is started now."""
    if (folder / "started").exists():
        return SupervisedJob(folder)
    if (folder / "plan.json").exists():
        start_supervisor(folder)
        return SupervisedJob(folder)
    return None


def _locked(folder: Path) -> bool:
    """Whether a supervisor holds the folder's lock, which is whether it lives."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read(path: Path) -> Any:
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text(encoding="utf-8"))
    return None
