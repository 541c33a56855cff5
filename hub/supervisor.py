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
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hub.control_groups import ControlGroup, make_control_group

INFO_FD = 97
GRACE = {"cancelled": 4.0, "time": 4.0}  # seconds in which a job may still save what it has
LOOK = 0.05
LOOK_AT_DISK = 0.5
REFUSED_FORKS = 200
SPARE_FILE_BYTES = 256 << 20  # above the disk limit, so that the watch on the disk speaks first
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def write_whole(path: Path, content: Any) -> None:
    """Write JSON to `path` whole or not at all."""
    temporary = path.with_name(f".{path.name}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Log:
    """The job's output, kept up to a limit; what comes after is read and dropped, so that it never blocks."""

    def __init__(self, path: Path, limit: int) -> None:
        self._file = path.open("ab", buffering=0)
        self._left = limit - self._file.tell()

    def write(self, chunk: bytes) -> None:
        """Keep what still fits, and say once that the rest is dropped."""
        if self._left <= 0:
            return
        with contextlib.suppress(OSError):  # a full disk ends the log, not the job
            self._file.write(chunk[: self._left])
        self._left -= len(chunk)
        if self._left <= 0:
            with contextlib.suppress(OSError):
                self._file.write(b"\n... the rest of the output was dropped\n")


class Supervisor:
    """One job from start to end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self.limits = self.plan["limits"]
        self.peak = 0
        self.group: ControlGroup | None = None
        self.sandbox_pid: int | None = None

    def run(self) -> None:
        """Start the job, watch it, and record how it ended."""
        limits = self.limits
        self.group = make_control_group(
            self.plan["name"],
            memory_bytes=limits["memory_bytes"],
            processes=limits["processes"],
            cpus=limits["cpus"],
        )
        written = self._written()
        process, output = self._start()
        try:
            reason, code = self._watch(process, output, written)
        finally:
            self._kill_all(process)
        if self.group is not None:
            self.peak = max(self.peak, self.group.peak_memory())
            self.group.close()
        write_whole(
            self.folder / "exit.json", {"reason": reason, "exit_code": code, "peak_memory_bytes": self.peak}
        )

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        read_info, write_info = os.pipe()
        read_output, write_output = os.pipe()
        os.dup2(write_info, INFO_FD)
        process = subprocess.Popen(
            self.plan["argv"],
            stdin=subprocess.DEVNULL,
            stdout=write_output,
            stderr=write_output,
            cwd=self.plan["cwd"],
            env=self.plan["env"],
            pass_fds=(INFO_FD,) if self.plan["sandboxed"] else (),
            preexec_fn=self._in_child,  # noqa: PLW1509 - one thread only
        )
        for descriptor in (write_info, write_output, INFO_FD):
            os.close(descriptor)
        if self.plan["sandboxed"]:
            self.sandbox_pid = _child_pid(read_info)
        os.close(read_info)
        os.set_blocking(read_output, False)
        return process, read_output

    def _in_child(self) -> None:
        """Between fork and exec: enter the control group and take on the limits of one process."""
        if self.group is not None:
            self.group.join(os.getpid())
        size = self.limits["disk_bytes"] + SPARE_FILE_BYTES
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not self.plan["sandboxed"]:
            os.setsid()

    def _watch(self, process: subprocess.Popen[bytes], output: int, written: int) -> tuple[str, int | None]:
        log = Log(self.folder / "log", self.limits["log_bytes"])
        deadline = time.monotonic() + self.limits["wall_seconds"]
        next_disk = time.monotonic() + LOOK_AT_DISK
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while process.poll() is None:
                _drain(selector, output, log)
                reason = self._exceeded(deadline)
                if reason is None and time.monotonic() >= next_disk:
                    next_disk = time.monotonic() + LOOK_AT_DISK
                    self._report()
                    reason = "disk" if self._written() - written > self.limits["disk_bytes"] else None
                if reason is not None:
                    self._end(process, selector, output, log, GRACE.get(reason, 0.0))
                    return reason, None
            _drain(selector, output, log)
        if self.group is not None and self.group.out_of_memory():
            return "memory", None
        return "exited", process.returncode

    def _exceeded(self, deadline: float) -> str | None:
        if (self.folder / "cancel").exists():
            return "cancelled"
        if time.monotonic() > deadline:
            return "time"
        if self.group is not None:
            if self.group.out_of_memory():
                return "memory"
            return "processes" if self.group.refused_forks() > REFUSED_FORKS else None
        pids = list(descendants(os.getpid()))
        memory = sum(_resident(pid) for pid in pids)
        self.peak = max(self.peak, memory)
        if memory > self.limits["memory_bytes"]:
            return "memory"
        return "processes" if len(pids) > self.limits["processes"] else None

    def _report(self) -> None:
        if self.group is not None:
            now, self.peak = self.group.memory(), max(self.peak, self.group.peak_memory())
        else:
            now = sum(_resident(pid) for pid in descendants(os.getpid()))
        with contextlib.suppress(OSError):  # a full disk hides the figures, and changes nothing else
            write_whole(self.folder / "usage.json", {"memory_bytes": now, "peak_memory_bytes": self.peak})

    def _written(self) -> int:
        return sum(_size(Path(folder)) for folder in self.plan["writable"])

    def _end(
        self,
        process: subprocess.Popen[bytes],
        selector: selectors.BaseSelector,
        output: int,
        log: Log,
        grace: float,
    ) -> None:
        """Ask the job's own first process to stop, and wait up to `grace` seconds for it."""
        first = self._first_process(process)
        if grace and first is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(first, signal.SIGTERM)
            until = time.monotonic() + grace
            while process.poll() is None and time.monotonic() < until:
                _drain(selector, output, log)

    def _first_process(self, process: subprocess.Popen[bytes]) -> int | None:
        if self.sandbox_pid is None:
            return process.pid
        return next(iter(_children(self.sandbox_pid)), None)

    def _kill_all(self, process: subprocess.Popen[bytes]) -> None:
        """Kill whatever is left; the end of a sandbox's first process ends everything inside."""
        for pid in filter(None, (self.sandbox_pid, process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        while left := list(descendants(os.getpid())):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.01)


def _drain(selector: selectors.BaseSelector, output: int, log: Log) -> None:
    if selector.select(LOOK):
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(output, 1 << 16)
            log.write(chunk)
            if not chunk:
                time.sleep(LOOK)


def _child_pid(info: int) -> int | None:
    """Read what bubblewrap says of its sandbox; nothing when it could not make one."""
    text = b""
    while chunk := os.read(info, 4096):
        text += chunk
    with contextlib.suppress(ValueError):
        return int(json.loads(text)["child-pid"])
    return None


def descendants(pid: int) -> Iterable[int]:
    """Yield every process below `pid`."""
    for child in _children(pid):
        yield child
        yield from descendants(child)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def _size(folder: Path) -> int:
    """Return the bytes on disk below `folder`; what vanishes meanwhile is not counted."""
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(where) / name).lstat().st_blocks * 512
    return total


def main() -> None:
    """Supervise the job of the folder that the command line names, unless somebody does or has done."""
    folder = Path(sys.argv[1])
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if (folder / "exit.json").exists() or (folder / "started").exists():
        return
    (folder / "started").touch()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Supervisor(folder).run()
