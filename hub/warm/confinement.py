"""What shuts a container's processes in: read from its first one, taken on by a fork, and compared.

A fork that enters a container inherits nothing of what the engine put on the container's own processes. So
all of it is put on the fork too, as the engine itself does for `docker exec`. Before the fork runs anything,
the kernel's own word on both is compared.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.control_groups import folders_of
from hub.warm import seccomp
from hub.warm.entering import KINDS

PROC = Path("/proc")
LIMIT = re.compile(r"Max .{22}(\S+) +(\S+)")
UNCONFINED = "unconfined"
COMPARED = (
    *("Uid", "Gid", "Groups", "Umask", "NoNewPrivs", "Seccomp", "Seccomp_filters"),
    *("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"),
)


class NotTheSameError(OSError):
    """A fork is not shut in as its container's own processes are; the message says where they differ."""


def confinement_of(pid: int) -> dict[str, Any]:
    """Return what `take_on` needs to be shut in as `pid` is; raises OSError where that is hidden."""
    return {
        "limits": limits_of(pid),
        "umask": _umask(pid),
        "oom_score_adj": _oom_score_adj(pid),
        "profile": profile_of(pid),
        "filters": [instructions.hex() for instructions in seccomp.filters_of(pid)],
    }


def limits_of(pid: int) -> list[tuple[int, int]]:
    """Return the soft and hard limits of a process, each at the number of its kind; see getrlimit(2).

    The kernel lists them in that order.
    """
    found = LIMIT.findall((PROC / str(pid) / "limits").read_text())
    return [(_limit(soft), _limit(hard)) for soft, hard in found]


def open_groups(pid: int) -> list[int]:
    """Open the lists of processes of all control groups of `pid` that are not ours; raises OSError."""
    ours = set(folders_of(os.getpid()))
    return [
        os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        for folder in folders_of(pid)
        if folder not in ours
    ]


def take_on(confinement: Mapping[str, Any]) -> None:
    """Take on what must be taken on while this process still has rights, and sees the machine's own /proc."""
    for kind, limits in enumerate(confinement["limits"]):
        resource.setrlimit(kind, tuple(limits))
    (PROC / "self" / "oom_score_adj").write_text(confinement["oom_score_adj"])
    if confinement["profile"] != profile_of(os.getpid()):
        name = confinement["profile"].removesuffix(" (enforce)")
        (PROC / "self" / "attr" / "current").write_text(f"changeprofile {name}")
    os.umask(confinement["umask"])


def take_on_filters(confinement: Mapping[str, Any]) -> None:
    """Take on the filters of system calls, last of all."""
    seccomp.take_on([bytes.fromhex(instructions) for instructions in confinement["filters"]])


def compare(pid: int, other: int, confinement: Mapping[str, Any]) -> None:
    """Raise NotTheSameError unless `other` is shut in as `pid` is, whose confinement was read before."""
    ours, theirs = _seen(pid), _seen(other)
    theirs["filters"] = [instructions.hex() for instructions in seccomp.filters_of(other)]
    ours["filters"] = confinement["filters"]
    if differing := [name for name in ours if ours[name] != theirs[name]]:
        raise NotTheSameError(f"the fork differs from its container in {', '.join(differing)}")


def profile_of(pid: int) -> str:
    """Return the security profile of a process, as AppArmor or SELinux name it, or that it has none."""
    with contextlib.suppress(OSError):  # the kernel has no such profiles
        return (PROC / str(pid) / "attr" / "current").read_text().strip("\0\n")
    return UNCONFINED


def _seen(pid: int) -> dict[str, Any]:
    """Return all by which the kernel tells how a process is shut in."""
    folder, status = PROC / str(pid), _status(pid)
    return {
        **{name: status.get(name) for name in COMPARED},
        **{kind: (folder / "ns" / kind).readlink() for kind in (*KINDS, "user")},
        "control groups": (folder / "cgroup").read_text(),
        "limits": (folder / "limits").read_text(),
        "oom_score_adj": _oom_score_adj(pid),
        "profile": profile_of(pid),
    }


def _status(pid: int) -> dict[str, str]:
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _umask(pid: int) -> int:
    if (umask := _status(pid).get("Umask")) is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(umask, 8)


def _limit(text: str) -> int:
    return resource.RLIM_INFINITY if text == "unlimited" else int(text)


def _oom_score_adj(pid: int) -> str:
    return (PROC / str(pid) / "oom_score_adj").read_text().strip()
