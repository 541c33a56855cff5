"""What one run may use, and what is said to somebody whose run wanted more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.jobs import Limits, Reason
from workspace_api.settings import GIB, RunSettings

MIB = 1024**2
REMEDY = "Do less at once, or ask an administrator for a higher limit."


def limits_of(settings: RunSettings, resources: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits of a run: what its worksheet asks for (`cpu`, `memory_gib`, `minutes`), or less.

    A worksheet never gets more than `settings` allow. Keys: `cpus`, `memory_bytes`, `seconds`, `processes`,
    `disk_bytes`, `output_bytes`.
    """
    return {
        "cpus": _least(settings.cpus, resources.get("cpu")),
        "memory_bytes": int(_least(settings.memory_gib, resources.get("memory_gib")) * GIB),
        "seconds": _least(settings.minutes, resources.get("minutes")) * 60,
        "processes": settings.processes,
        "disk_bytes": int(settings.disk_gib * GIB),
        "output_bytes": int(settings.output_mib * MIB),
    }


def job_limits(limits: Mapping[str, float]) -> Limits:
    """Return the limits of a run's job."""
    return Limits(
        cpus=limits["cpus"],
        memory_bytes=int(limits["memory_bytes"]),
        wall_seconds=limits["seconds"],
        processes=int(limits["processes"]),
        disk_bytes=int(limits["disk_bytes"]),
    )


def exceeded(reason: Reason, limits: Mapping[str, float]) -> str:
    """Return what to say of a run that was ended for `reason`: which limit, how high, what to do."""
    words = {
        "memory": f"It used more than {_bytes(limits['memory_bytes'])} of memory, the most this run may use.",
        "time": f"It was not done after {_minutes(limits['seconds'])}, the longest this run may take.",
        "disk": f"It wrote more than {_bytes(limits['disk_bytes'])} to disk, the most a run may write.",
        "processes": f"It started more than {limits['processes']:.0f} processes, the most a run may have.",
    }
    return f"{words[reason]} {REMEDY}"


def too_much_output(limits: Mapping[str, float]) -> str:
    """Return what to say of a run that printed too much."""
    most = _bytes(limits["output_bytes"])
    return f"The notebook printed more than {most}. Print less, or write large results to a file."


def _least(most: float, asked: Any) -> float:
    return min(most, float(asked)) if isinstance(asked, int | float) and asked > 0 else most


def _bytes(amount: float) -> str:
    return f"{amount / GIB:g} GiB" if amount >= GIB else f"{amount / MIB:g} MiB"


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} minute" if minutes == 1 else f"{minutes:g} minutes"
