"""Limits that the kernel keeps: a control group for one job, version 1 or 2; standard library alone."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "labfork"
PATIENCE = 400  # looks, 5 ms apart
PERIOD = 100_000  # microseconds over which processor time is shared out


class ControlGroup:
    """The kernel's limits of one job; `close` removes it when the job has ended."""

    def __init__(self, folders: dict[str, Path], *, unified: bool) -> None:
        self._folders = folders
        self._unified = unified

    def join(self, pid: int) -> None:
        """Put the process `pid` into the group; what it starts follows."""
        for folder in set(self._folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self) -> bool:
        """Whether the kernel had to end a process of the job."""
        name = "memory.events" if self._unified else "memory.oom_control"
        return self._counter("memory", name, "oom_kill") > 0

    def refused_forks(self) -> int:
        """How often a process of the job could not start another one."""
        return self._counter("pids", "pids.events", "max")

    def memory(self) -> int:
        """Return the bytes in use."""
        return self._number("memory.current" if self._unified else "memory.usage_in_bytes")

    def peak_memory(self) -> int:
        """Return the most bytes that were in use, 0 where this kernel does not say."""
        return self._number("memory.peak" if self._unified else "memory.max_usage_in_bytes")

    def cpu_seconds(self) -> float | None:
        """Return the processor time used, None where these groups do not say."""
        if not self._unified:  # version 1 counts it elsewhere than it limits it
            return None
        return self._counter("cpu", "cpu.stat", "usage_usec") / 1_000_000

    def processes(self) -> list[int]:
        """Return the processes in the group, as this machine numbers them."""
        with contextlib.suppress(OSError):
            return [int(pid) for pid in (self._folders["pids"] / "cgroup.procs").read_text().split()]
        return []

    def kill(self) -> None:
        """Kill every process in the group; returns when none is left."""
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def close(self) -> None:
        """Remove the group, waiting a moment for its last processes."""
        for folder in set(self._folders.values()):
            _remove(folder)

    def _number(self, name: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int((self._folders["memory"] / name).read_text())
        return 0

    def _counter(self, controller: str, name: str, key: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            for line in (self._folders[controller] / name).read_text().splitlines():
                if line.startswith(f"{key} "):
                    return int(line.split()[1])
        return 0


def find_control_group(name: str) -> ControlGroup | None:
    """Return the control group that was made with this name; None where there is none any more."""
    unified, folders = _places(name)
    found = any(folder.is_dir() for folder in folders.values())
    return ControlGroup(folders, unified=unified) if found else None


def folders_of(pid: int) -> list[Path]:
    """Return the folders of all control groups of the process `pid`; raises OSError when it is gone."""
    unified = ROOT if (ROOT / "cgroup.controllers").exists() else ROOT / "unified"
    folders = []
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        hierarchy = ROOT / controllers.removeprefix("name=") if controllers else unified
        folders.append(hierarchy / path.lstrip("/"))
    return folders


def make_control_group(name: str, *, memory_bytes: int, processes: int, cpus: float) -> ControlGroup | None:
    """Make a control group with these limits; None where this user may not."""
    unified, folders = _places(name)
    group = ControlGroup(folders, unified=unified)
    try:
        for folder in set(folders.values()):
            folder.mkdir(parents=True, exist_ok=True)
        if unified:
            _enable_controllers()
            _set(folders["memory"] / "memory.max", memory_bytes)
            _set(folders["cpu"] / "cpu.max", f"{int(cpus * PERIOD)} {PERIOD}")
        else:
            _set(folders["memory"] / "memory.limit_in_bytes", memory_bytes)
            _set(folders["cpu"] / "cpu.cfs_period_us", PERIOD)
            _set(folders["cpu"] / "cpu.cfs_quota_us", int(cpus * PERIOD))
        _set(folders["pids"] / "pids.max", processes)
    except OSError:
        group.close()
        return None
    with contextlib.suppress(OSError):  # swap is not accounted for on every kernel
        swap = "memory.swap.max" if unified else "memory.memsw.limit_in_bytes"
        _set(folders["memory"] / swap, 0 if unified else memory_bytes)
    return group


def _places(name: str) -> tuple[bool, dict[str, Path]]:
    """Return whether this machine has control groups of version 2, and where each part of one lies."""
    kinds = ("memory", "pids", "cpu")
    if (ROOT / "cgroup.controllers").exists():
        return True, dict.fromkeys(kinds, ROOT / NAME / name)
    return False, {kind: ROOT / kind / NAME / name for kind in kinds}


def _remove(folder: Path) -> None:
    for _ in range(PATIENCE):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # its last processes are not quite gone
            time.sleep(0.005)
        else:
            return


def _enable_controllers() -> None:
    for folder in (ROOT, ROOT / NAME):
        _set(folder / "cgroup.subtree_control", "+memory +pids +cpu")


def _set(path: Path, value: object) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)
