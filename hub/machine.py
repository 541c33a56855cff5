"""What this machine has: memory, processors, graphics processors."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

DEVICES = Path("/dev")
CARD = "nvidia[0-9]*"
SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")  # what every card's driver needs


@dataclass(frozen=True)
class Machine:
    """The parts that sessions share; `gpu_devices` is empty where there is no graphics processor."""

    memory_bytes: int
    cpus: int
    gpu_devices: tuple[Path, ...] = ()

    @property
    def has_gpu(self) -> bool:
        """Whether a size that asks for a graphics processor can be offered."""
        return bool(self.gpu_devices)


def this_machine() -> Machine:
    """Return what this machine has, as far as this process may use it."""
    return Machine(_memory(), len(os.sched_getaffinity(0)), gpu_devices())


def gpu_devices(devices: Path = DEVICES) -> tuple[Path, ...]:
    """Return the device files of the graphics processors, with those of their driver; none without one."""
    cards = sorted(devices.glob(CARD))
    shared = [devices / name for name in SHARED if (devices / name).exists()]
    return (*cards, *shared) if cards else ()


def _memory() -> int:
    """Return the bytes of memory: the machine's, or less where a control group holds us."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # not this version of them, or without a limit
            whole = min(whole, int((Path("/sys/fs/cgroup") / name).read_text()))
    return whole
