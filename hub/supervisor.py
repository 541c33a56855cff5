"""Watches over one job: starts it, keeps its limits, records how it ended; standard library alone.

A process of its own for each job, so that the job outlives whoever asked for it. Its folder holds `plan.json`
(what to start), `cancel` (appears when it shall end), `log` (what it wrote), `usage.json` and, at the end,
`exit.json`. While it lives it holds a lock on `lock`, which the kernel releases however it dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from hub.bell import Bell
from hub.control_groups import ControlGroup, make_control_group
from hub.disk_use import DiskWatch
from hub.job_log import JobLog
from hub.process_tree import children, descendants, resident_bytes, tasks_of
from hub.records import reserve_record, write_record
from hub.usage import UsageMeter

INFO_FD = 97
OPTIONS_FD = 98
FILTER_FD = 99
LISTENER_FD = 100  # the first of them
GRACE = {"cancelled": 4.0, "time": 4.0}  # seconds in which a job may still save what it has
LOOK = 0.5  # at what the kernel has counted, and at the disk; all else wakes a supervisor
LOOK_CLOSELY = 0.05  # at what nobody else limits, or remembers
REPORT = 2.0  # pages show new figures after five
REFUSED_FORKS = 200
OPEN_FILES = 16_384
CHUNK = 1 << 16
LAST_CHUNKS = 16  # of what a job wrote just before its end
SPARE_FILE_BYTES = 256 << 20  # above the disk limit, so that the watch on the disk speaks first
NOT_STARTED = 127  # a shell's exit code for a command that could not be started
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
LIBC = ctypes.CDLL(None)


class Process(Protocol):
    """The first process of a job that its supervisor started; `subprocess.Popen` is one."""

    pid: int

    @property
    def returncode(self) -> int | None: ...  # noqa: D102 - as below, as in subprocess
    def poll(self) -> int | None: ...  # noqa: D102
    def wait(self) -> int | None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102


class Supervisor:
    """One job from start to end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self.limits = self.plan["limits"]
        self.log = JobLog(folder / "log", self.limits["log_bytes"])
        self.peak = 0
        self.meter = UsageMeter()
        self.bell = Bell(folder)
        self.group: ControlGroup | None = None
        self.sandbox: tuple[int, int] | None = None  # its first process, and a descriptor of just that one

    def run(self) -> None:
        """Start the job, watch it, and record how it ended."""
        reserve_record(self.folder / "exit.json")
        self.group = make_control_group(
            self.plan["name"],
            memory_bytes=self.limits["memory_bytes"],
            processes=self.limits["processes"],
            cpus=self.limits["cpus"],
        )
        reason, code = self._carry()
        if self.group is not None:
            self.peak = max(self.peak, self.group.peak_memory())
            self.group.close()
        ended = {"reason": reason, "exit_code": code, "peak_memory_bytes": self.peak}
        write_record(self.folder / "exit.json", ended, lasting=True)

    def _carry(self) -> tuple[str, int | None]:
        disk = DiskWatch(self.plan["writable"], self._processes, LOOK)
        try:
            process, output = self._start()
        except (OSError, subprocess.SubprocessError) as error:
            self.log.write(f"{self.plan['argv'][0]} could not be started: {error}\n".encode())
            return "exited", NOT_STARTED
        disk.start(self.limits["disk_bytes"], self.bell.ring)
        try:
            return self._watch(process, output, disk)
        finally:
            disk.stop()
            self._kill_all(process)

    def _start(self) -> tuple[Process, int]:
        """Start the job; return its process, and where what it writes can be read."""
        read_output, write_output = os.pipe()
        listeners = open_listeners(self.plan["listeners"])
        try:
            process = self._begin(self.plan["argv"], write_output, write_output, listeners)
        finally:
            for descriptor in (write_output, *listeners):
                os.close(descriptor)
        os.set_blocking(read_output, False)
        return process, read_output

    def _begin(
        self, argv: list[str], stdout: int, stderr: int, listeners: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a command, with the sandbox around it where the job has one."""
        read_info, write_info = os.pipe()
        given: tuple[int, ...] = ()
        if self.plan["sandboxed"]:
            given = _hand_over(write_info, self.plan["options"], self.plan.get("filter"))
        tasks = self._tasks()
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=self.plan["cwd"],
                env=self.plan["env"],
                pass_fds=(*given, *listeners),
                preexec_fn=lambda: self._in_child(tasks),  # noqa: PLW1509 - one thread only
            )
        finally:
            for descriptor in (write_info, *given):
                os.close(descriptor)
        if self.plan["sandboxed"] and (pid := _child_pid(read_info)) is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                self.sandbox = (pid, os.pidfd_open(pid))
        os.close(read_info)
        return process

    def _tasks(self) -> int | None:
        """Return how many tasks the job's account may have, where no control group counts the job's own."""
        return None if self.group else tasks_of(self.plan["uid"]) + self.limits["processes"]

    def _in_child(self, tasks: int | None) -> None:
        """Between fork and exec: enter the control group and take on the limits of one process."""
        if self.group is not None:
            self.group.join(os.getpid())
        if tasks is not None:
            _limit(resource.RLIMIT_NPROC, tasks)
        _limit(resource.RLIMIT_FSIZE, self.limits["disk_bytes"] + SPARE_FILE_BYTES)
        _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
        _limit(resource.RLIMIT_CORE, 0)
        if not self.plan["sandboxed"]:
            os.setsid()
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def _watch(self, process: Process, output: int, disk: DiskWatch) -> tuple[str, int | None]:
        deadline = time.monotonic() + self.limits["wall_seconds"]
        look_at, report_at = 0.0, 0.0
        with selectors.DefaultSelector() as selector:
            for waited_for in (output, os.pidfd_open(process.pid), self.bell):
                selector.register(waited_for, selectors.EVENT_READ)
            while process.poll() is None:
                rung = self._attend(selector, output, min(look_at, deadline))
                if not rung and time.monotonic() < min(look_at, deadline):
                    continue
                look_at = time.monotonic() + (LOOK_CLOSELY if self.group is None else LOOK)
                if time.monotonic() >= report_at:
                    report_at = time.monotonic() + REPORT
                    self._report()
                reason = self._exceeded(deadline, disk)
                if reason is not None:
                    self._end(process, selector, output, GRACE.get(reason, 0.0))
                    return reason, None
        self._attend_last(output)
        if self.group is not None and self.group.out_of_memory():
            return "memory", None
        if process.returncode and disk.look() > self.limits["disk_bytes"]:  # it filled it between two looks
            return "disk", None
        return "exited", process.returncode

    def _attend(self, selector: selectors.BaseSelector, output: int, until: float) -> bool:
        """Wait for output, for the end and for the bell, no longer than `until`; whether the bell rang.

        What a job closed is not waited for again.
        """
        rung = False
        for key, _ in selector.select(max(until - time.monotonic(), 0.0)):
            if key.fileobj is self.bell:
                self.bell.hush()
                rung = True
            elif key.fd == output:
                if chunk := os.read(output, CHUNK):
                    self.log.write(chunk)
                else:
                    selector.unregister(output)
        return rung

    def _attend_last(self, output: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(LAST_CHUNKS):
                self.log.write(os.read(output, CHUNK))

    def _exceeded(self, deadline: float, disk: DiskWatch) -> str | None:
        if (self.folder / "cancel").exists():
            return "cancelled"
        if time.monotonic() > deadline:
            return "time"
        if disk.growth > self.limits["disk_bytes"]:
            return "disk"
        if self.group is not None:
            if self.group.out_of_memory():
                return "memory"
            return "processes" if self.group.refused_forks() > REFUSED_FORKS else None
        pids = self._processes()
        memory = sum(resident_bytes(pid) for pid in pids)
        self.peak = max(self.peak, memory)
        if memory > self.limits["memory_bytes"]:
            return "memory"
        return "processes" if len(pids) > self.limits["processes"] else None

    def _processes(self) -> list[int]:
        return self.group.processes() if self.group is not None else descendants(os.getpid())

    def _report(self) -> None:
        with contextlib.suppress(OSError):  # a full disk hides the figures, and changes nothing else
            self.peak = self.meter.note(self.folder, self.group, self._processes(), self.peak)

    def _end(self, process: Process, selector: selectors.BaseSelector, output: int, grace: float) -> None:
        """Ask the job's own first process to stop, and wait up to `grace` seconds for it."""
        first = self._first_process(process)
        if grace and first is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(first, signal.SIGTERM)
            until = time.monotonic() + grace
            while process.poll() is None and time.monotonic() < until:
                self._attend(selector, output, until)

    def _first_process(self, process: Process) -> int | None:
        if not self.plan["sandboxed"]:
            return process.pid
        return next(iter(children(self.sandbox[0])), None) if self.sandbox else None

    def _kill_all(self, process: Process) -> None:
        """Kill whatever is left; the end of a sandbox's first process ends everything inside."""
        if self.sandbox is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.sandbox[1], signal.SIGKILL)
        process.kill()
        process.wait()
        if self.group is not None:
            self.group.kill()
        while left := descendants(os.getpid()):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            time.sleep(0.005)


def _limit(kind: int, value: int) -> None:
    """Lower a limit of this process for good; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _hand_over(info: int, options: list[str], call_filter: str | None) -> tuple[int, ...]:
    """Return what bubblewrap inherits: where it says what it made, its options, and the filter, if any."""
    os.dup2(info, INFO_FD)
    _put(b"".join(os.fsencode(option) + b"\0" for option in options), OPTIONS_FD)
    if call_filter is None:
        return INFO_FD, OPTIONS_FD
    _put(bytes.fromhex(call_filter), FILTER_FD)
    return INFO_FD, OPTIONS_FD, FILTER_FD


def _put(content: bytes, number: int) -> None:
    """Have descriptor `number` read `content`."""
    given = os.memfd_create("given")
    with os.fdopen(given, "r+b", closefd=False) as file:
        file.write(content)
        file.seek(0)
    os.dup2(given, number)
    os.close(given)


def open_listeners(paths: list[str]) -> list[int]:
    """Listen on unix sockets of this machine; return the descriptors that the sandbox inherits."""
    given = []
    for number, path in enumerate(paths, start=LISTENER_FD):
        Path(path).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        Path(path).chmod(0o600)
        listener.listen(64)
        os.dup2(listener.detach(), number)
        given.append(number)
    return given


def _child_pid(info: int) -> int | None:
    """Read what bubblewrap says of its sandbox; nothing when it could not make one."""
    text = b""
    while chunk := os.read(info, 4096):
        text += chunk
    with contextlib.suppress(ValueError):
        return int(json.loads(text)["child-pid"])
    return None


def _taken(lock: int) -> bool:
    """Take the lock that says a supervisor lives; whoever looks whether one does holds it for an instant."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_on(watch: Callable[[Path], None]) -> None:
    """Have `watch` supervise the job of the folder that the command line names, unless somebody does or did.

    Returns to whoever started us as soon as that is settled; the job is then watched by a child process,
    which nobody has to wait for.
    """
    folder = Path(sys.argv[1])
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not _taken(lock):
        if (folder / "started").exists():
            return
        time.sleep(0.005)
    if (folder / "started").exists():
        return
    (folder / "started").touch()
    if os.fork() != 0:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(folder)


def _watch(folder: Path) -> None:
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Supervisor(folder).run()


def main() -> None:
    """Supervise a job of this machine."""
    take_on(_watch)
