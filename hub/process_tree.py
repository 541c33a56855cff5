"""What the kernel tells of a job's processes; standard library alone."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

PROC = Path("/proc")


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started, from whichever of its threads, and that still are its own."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                text = (thread / "children").read_text()
                found += [int(child) for child in text.split()]
    return found


def descendants(pid: int) -> list[int]:
    """Return every process below `pid`."""
    found: list[int] = []
    ahead = children(pid)
    while ahead:
        found += ahead
        ahead = [grandchild for child in ahead for grandchild in children(child)]
    return found


def number_inside(pid: int) -> int:
    """Return the number of a process in its own process namespace; raises OSError when it is gone."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    raise ProcessLookupError(f"process {pid} has ended")


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds, 0 when it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of the children it has waited for, 0 when it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def tasks_of(uid: int) -> int:
    """Return how many processes and threads of this machine run as `uid`."""
    count = 0
    for process in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == uid:
                count += sum(1 for _ in (process / "task").iterdir())
    return count
