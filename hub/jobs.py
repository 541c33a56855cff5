"""What a launcher is asked for and what it answers: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from nfs.mounts import Mount

Reason = Literal["exited", "cancelled", "memory", "time", "disk", "processes", "lost"]


@dataclass(frozen=True)
class Account:
    """Whom a job runs as; a launcher that is not root runs everything as itself."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a job may use: processors, bytes of memory, seconds, processes, bytes written, bytes logged."""

    cpus: float
    memory_bytes: int
    wall_seconds: float
    processes: int
    disk_bytes: int
    log_bytes: int = 1_000_000


@dataclass(frozen=True)
class Forward:
    """A connection to 127.0.0.1:`port` inside reaches the unix socket `socket` outside."""

    port: int
    socket: Path


@dataclass(frozen=True)
class Listener:
    """A connection to the unix socket `socket` outside reaches 127.0.0.1:`port` inside.

    The socket lies where the job cannot touch it: what is inside is given an open descriptor, never a name.
    """

    socket: Path
    port: int


@dataclass(frozen=True)
class Job:
    """One command with all it may see and use.

    `writable` names the folders of this machine whose growth counts against `limits.disk_bytes`, `devices`
    the device files that the job may use. With the network `none` it reaches what `forwards` name alone.
    """

    argv: tuple[str, ...]
    cwd: PurePosixPath
    env: Mapping[str, str]
    mounts: tuple[Mount, ...]
    account: Account
    limits: Limits
    network: Literal["none", "open"] = "none"
    forwards: tuple[Forward, ...] = ()
    listeners: tuple[Listener, ...] = ()
    writable: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What a job uses now, and the most it used, in bytes; processors in use, and their seconds so far."""

    memory_bytes: int
    peak_memory_bytes: int
    cpus: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `exit_code` is None where it did not end by itself."""

    reason: Reason
    exit_code: int | None
    peak_memory_bytes: int


class Launched(Protocol):
    """A job that was started; it goes on without the process that started it."""

    def outcome(self) -> Outcome | None:
        """Return how it ended, or None while it runs."""

    def cancel(self) -> None:
        """End it with everything it started; returns when all of that is gone."""

    def usage(self) -> Usage:
        """Return what it uses."""


class Launcher(Protocol):
    """Runs a job as its account, within its limits."""

    def start(self, job: Job, folder: Path) -> Launched:
        """Start `job`; `folder` is the launcher's own. A folder starts one job, once, however often asked."""

    def adopt(self, folder: Path) -> Launched | None:
        """Return the job that was started from `folder`, running or ended; None if none ever was."""
