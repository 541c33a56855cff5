"""Sizes of sessions: which there are on this machine, and which one is meant where nobody chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.jobs import Limits
from hub.machine import Machine
from workspace_api.settings import GIB, SessionClass, SessionSettings

USUAL = "standard"
LEAST_GIB = 0.5
FOR_EVER = 366 * 86_400.0
WITHOUT_END = 1 << 50


@dataclass(frozen=True)
class Size:
    """One size: what a session of it may use, for how long (0: without an end), and whose it is."""

    name: str = USUAL
    title: str = ""
    cpus: float = 0.0
    memory_bytes: int = 0
    processes: int = 512
    hours: float = 0.0
    gpu: bool = False
    groups: frozenset[str] = field(default=frozenset())

    @property
    def words(self) -> str:
        """Return what it is, for whoever chooses: “2 processors, 4 GiB of memory”."""
        parts = [counted(self.cpus, "processor"), f"{self.memory_bytes / GIB:g} GiB of memory"]
        if self.gpu:
            parts.append("the graphics processor")
        if self.hours:
            parts.append(f"{counted(self.hours, 'hour')} at most")
        return ", ".join(parts)

    @property
    def limits(self) -> dict[str, Any]:
        """Return what the table of sessions keeps of it, so that a later configuration changes no session."""
        return {
            "title": self.title,
            "cpus": self.cpus,
            "memory_bytes": self.memory_bytes,
            "processes": self.processes,
            "hours": self.hours,
            "gpu": self.gpu,
        }

    def job_limits(self) -> Limits:
        """Return the limits of the job of a session's server."""
        return Limits(
            cpus=self.cpus,
            memory_bytes=self.memory_bytes,
            wall_seconds=self.hours * 3600 or FOR_EVER,
            processes=self.processes,
            disk_bytes=WITHOUT_END,
        )


def sizes_of(settings: SessionSettings, machine: Machine) -> tuple[Size, ...]:
    """Return the sizes that `machine` can give: those of the configuration, in its order, or our own.

    Our own are `standard` by the section's figures, `small`, half of that, and `large`, twice that, as far as
    the machine has so much.
    """
    if settings.classes:
        named = (_of_class(name, value) for name, value in settings.classes.items())
        return tuple(size for size in named if machine.has_gpu or not size.gpu)
    sizes = []
    for name, times in (("small", 0.5), (USUAL, 1), ("large", 2)):
        cpus, gib = settings.cpus * times, settings.memory_gib * times
        within = cpus <= machine.cpus and gib * GIB <= machine.memory_bytes and gib >= LEAST_GIB
        if name == USUAL or within:
            sizes.append(Size(name, name.capitalize(), cpus, int(gib * GIB), settings.processes))
    return tuple(sizes)


def usual_size(sizes: Sequence[Size], *, last: str | None, resources: Mapping[str, Any]) -> Size:
    """Return the size that is meant where none is named, out of one or more that the person may use.

    That is the one they took `last`; else the smallest that has the `cpu` and `memory_gib` which the
    project asks for; else `standard`; else the first.
    """
    chosen = next((size for size in sizes if size.name == last), None)
    if chosen is None and ("cpu" in resources or "memory_gib" in resources):
        fitting = [
            size
            for size in sizes
            if size.cpus >= resources.get("cpu", 0)
            and size.memory_bytes >= resources.get("memory_gib", 0) * GIB
        ]
        chosen = min(fitting, key=lambda size: (size.gpu, size.memory_bytes, size.cpus), default=None)
    return chosen or next((size for size in sizes if size.name == USUAL), sizes[0])


def counted(number: float, noun: str) -> str:
    """Return a number with its noun: `1 hour`, `2.5 hours`."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"


def _of_class(name: str, value: SessionClass) -> Size:
    return Size(
        name=name,
        title=value.title or name.replace("-", " ").replace("_", " ").capitalize(),
        cpus=value.cpus,
        memory_bytes=int(value.memory_gib * GIB),
        processes=value.processes,
        hours=value.hours,
        gpu=value.gpu,
        groups=frozenset(value.groups),
    )
