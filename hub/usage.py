"""What a running job uses: measured by its supervisor, read by who shows it; standard library alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hub.control_groups import ControlGroup
from hub.process_tree import cpu_seconds, resident_bytes
from hub.records import write_record

FILE = "usage.json"


class UsageMeter:
    """Measures one job again and again, so that processor time becomes processors in use."""

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._cpu = 0.0
        self._noted: dict[str, float] = {}

    def note(self, folder: Path, group: ControlGroup | None, pids: Iterable[int], peak: int) -> int:
        """Write `usage.json` into the job's folder; return the peak of memory in bytes, `peak` or more.

        While the figures stay the same so does the file. Raises OSError when it cannot be written.
        """
        pids = list(pids)
        memory = group.memory() if group is not None else sum(resident_bytes(pid) for pid in pids)
        peak = max(peak, memory, group.peak_memory() if group is not None else 0)
        used = group.cpu_seconds() if group is not None else None
        if (
            used is None
        ):  # this kernel's groups do not say; what has ended without a parent left is not counted
            used = sum(cpu_seconds(pid) for pid in pids)
        used = max(used, self._cpu)
        now = time.monotonic()
        cpus = (used - self._cpu) / max(now - self._looked, 0.001)
        self._looked, self._cpu = now, used
        record = {
            "memory_bytes": memory,
            "peak_memory_bytes": peak,
            "cpu_seconds": round(used, 2),
            "cpus": round(cpus, 2),
        }
        if record != self._noted:
            write_record(folder / FILE, record, lasting=False)
            self._noted = record
        return peak


def read_usage(folder: Path) -> dict[str, Any]:
    """Return what was written last; nothing before the first time."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found


def servers_folder(home: Path) -> Path:
    """Return where the servers of sessions have their folders; the path of a socket in it must be short."""
    return home / "run" / "s"
