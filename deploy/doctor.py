"""What this machine has, what it lacks, and what each lack costs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.configuration import Configuration, ConfigurationError
from deploy.engine import look_at
from deploy.layout import NODE_MODULES
from hub.machine import gpu_devices
from hub.processes import CommandError, run
from hub.syscalls import call_filter


@dataclass(frozen=True)
class Finding:
    """One part: whether it is there, which version, and what its absence costs and what helps."""

    name: str
    present: bool
    detail: str
    needed: bool = False


def examine(configuration: Configuration) -> list[Finding]:
    """Look at every part a workspace uses."""
    held = sandbox()
    return [
        Finding("Python", sys.version_info >= (3, 11), sys.version.split()[0], needed=True),
        _program("git", ["git", "--version"], "no project can be stored; install git", needed=True),
        _program("node", ["node", "--version"], "the proxy cannot start; install Node.js 20", needed=True),
        _proxy(),
        _program(
            "uv", [_beside_python("uv"), "--version"], "no environment can be built; run make up", needed=True
        ),
        held,
        system_calls(),
        containers(configuration),
        network(configuration, sandboxed=held.present),
        origins(configuration),
        _identity(),
        _limits(),
        _gpu(),
        _disk(configuration.home),
    ]


def sandbox() -> Finding:
    """Try the sandbox itself: bubblewrap may be installed and still not be allowed to work."""
    lack = (
        "runs are not sandboxed: only this machine may reach the workspace, and every page says so. "
        "Install it: apt-get install bubblewrap"
    )
    if shutil.which("bwrap") is None:
        return Finding("bubblewrap", False, lack)
    attempt = ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"]
    try:
        run(attempt, timeout=10)
    except CommandError as error:
        return Finding("bubblewrap", False, f"installed, but it may not work here ({error}): {lack}")
    return Finding("bubblewrap", True, "runs are sandboxed")


def system_calls() -> Finding:
    """Say whether sandboxes have a filter of system calls."""
    if call_filter() is not None:
        return Finding("system calls", True, "sandboxes refuse what no job needs of the kernel")
    return Finding(
        "system calls",
        False,
        "libseccomp is missing, or this kernel has no filters: jobs in sandboxes may ask the kernel for "
        "all that a process without rights may. Install it: apt-get install libseccomp2",
    )


def containers(configuration: Configuration) -> Finding:
    """Look at the container engine: needed where the configuration chose it."""
    if not configuration.containers.engine:
        return _program(
            "containers",
            ["docker", "version", "--format", "Docker Engine {{.Server.Version}}, not used"],
            "no engine answers; not needed: uv builds environments, bubblewrap sandboxes runs",
        )
    try:
        return Finding("containers", True, look_at(configuration.containers), needed=True)
    except ConfigurationError as error:
        return Finding("containers", False, str(error), needed=True)


def network(configuration: Configuration, *, sandboxed: bool) -> Finding:
    """Say where sessions and runs reach what they had better not: metadata addresses of a cloud."""
    chosen = {"sessions": configuration.sessions.network, "runs": configuration.runs.network}
    reached = ", ".join(f"{what}: {network}" for what, network in chosen.items())
    if configuration.containers.engine or (sandboxed and "open" not in chosen.values()):
        return Finding("network", True, f"{reached}; no metadata address of a cloud is reached")
    if not sandboxed:
        return Finding(
            "network", False, "without bubblewrap sessions and runs reach all that this machine does"
        )
    return Finding(
        "network",
        False,
        f"{reached}; what is open reaches all that this machine does, in a cloud also the addresses with its "
        "credentials. Set it to mirror, or use containers (docs/sandbox.md)",
    )


def origins(configuration: Configuration) -> Finding:
    """Say whether what notebooks show in sessions is kept from the pages by an origin of its own."""
    if configuration.sessions_url:
        detail = f"at {configuration.sessions_url}; scripts of notebooks there reach nothing of the pages"
        return Finding("sessions", True, detail)
    return Finding(
        "sessions",
        False,
        "sessions are at the pages' own address: a script of a notebook that somebody trusts can act as this "
        "person on every page. Give this machine a second name, and name it in sessions.host "
        "(docs/sessions.md)",
    )


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether a workspace can start with what was found."""
    return all(finding.present for finding in findings if finding.needed)


def _program(name: str, command: list[str], lack: str, *, needed: bool = False) -> Finding:
    try:
        answer = run(command, timeout=10)
    except CommandError:
        return Finding(name, False, lack, needed)
    return Finding(name, True, answer.stdout.strip().splitlines()[0], needed)


def _proxy() -> Finding:
    present = (NODE_MODULES / ".bin" / "configurable-http-proxy").exists()
    return Finding(
        "proxy", present, "configurable-http-proxy" if present else "not installed; run make up", needed=True
    )


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _identity() -> Finding:
    if os.geteuid() == 0:
        return Finding(
            "separate users", True, "started as root: each person's runs have a user id of their own"
        )
    return Finding(
        "separate users",
        False,
        "not started as root: every person's files belong to one user of this machine, and only the sandbox "
        "keeps people apart",
    )


def _limits() -> Finding:
    writable = [path for path in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.access(path, os.W_OK)]
    if writable:
        return Finding("control groups", True, "memory and processes of a run are limited by the kernel")
    return Finding(
        "control groups",
        False,
        "not writable: a watchdog limits a run's memory, a moment after it is exceeded",
    )


def _gpu() -> Finding:
    cards = [path.name for path in gpu_devices()]
    lack = "none found; sizes of sessions with gpu = true are not offered, nothing else needs one"
    return Finding("graphics processor", bool(cards), ", ".join(cards) or lack)


def _disk(home: Path) -> Finding:
    existing = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1024**3
    return Finding(
        "disk", free > 5, f"{free:.0f} GiB free under {existing}; an environment takes about 1 GiB"
    )
