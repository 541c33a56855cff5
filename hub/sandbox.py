"""How a sandbox is made: which options of bubblewrap give a job exactly what it may see."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hub.jobs import Account, Job
from hub.supervisor import LISTENER_FD

SYSTEM_FILES = (
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/fonts",
)
NETWORK_FILES = ("/etc/resolv.conf",)
USER = "jovyan"
SETPRIV = "/usr/bin/setpriv"
SOCKETS = PurePosixPath("/run/labfork")
PROGRAMS = PurePosixPath("/opt/labfork")


@dataclass(frozen=True)
class Host:
    """What of this machine every sandbox needs: its Python, and whether we are root on it."""

    python: Path
    python_prefix: Path
    root: bool

    @classmethod
    def here(cls) -> Host:
        """Describe this machine and the interpreter that runs us."""
        prefix = Path(sys.base_prefix).resolve()
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return cls(prefix / "bin" / name, prefix, os.geteuid() == 0)


def account_files(account: Account, *, root: bool) -> dict[str, str]:
    """Return the files of `/etc` that name the sandbox's one person, by their names there."""
    uid, gid = (account.uid, account.gid) if root else (os.getuid(), os.getgid())
    groups = "".join(f"group{number}:x:{number}:{USER}\n" for number in account.groups if number != gid)
    return {
        "passwd": f"{USER}:x:{uid}:{gid}:{USER}:/home/{USER}:/bin/bash\n",
        "group": f"{USER}:x:{gid}:\n{groups}",
        "hosts": "127.0.0.1 localhost labfork\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


def sandbox_options(job: Job, host: Host, etc: Path, info_fd: int, filter_fd: int | None = None) -> list[str]:
    """Return the options with which bubblewrap makes the sandbox of `job`.

    They hold the job's environment, and with it its secrets: they are handed over by `--args`, never on a
    command line, which everybody on the machine can read. `etc` is a folder with `account_files`. bubblewrap
    writes the sandbox's first process to `info_fd`, and reads from `filter_fd` the filter of system calls
    that holds all that runs inside, from the program on that takes on the person's ids.
    As root, bubblewrap itself makes the mounts (so that it reaches what the person may not) and the job's
    person is taken on inside, before any code of theirs runs: no capability is left, none can be gained.
    Otherwise a user namespace holds our own id, and further user namespaces are switched off.
    Raises ValueError for a variable that would change how programs are loaded before the ids are taken on.
    """
    if loader := [name for name in job.env if name.startswith("LD_")]:
        raise ValueError(f"a job cannot set {loader[0]}; give the program an environment that needs no LD_*")
    return [
        "--info-fd",
        str(info_fd),
        *(() if filter_fd is None else ("--seccomp", str(filter_fd))),
        *_namespaces(job, host),
        *_system(job, host, etc),
        *_mounts(job),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/"),
        "--clearenv",
        *(part for name, value in sorted(job.env.items()) for part in ("--setenv", name, value)),
    ]


def sandbox_command(job: Job, host: Host) -> list[str]:
    """Return what runs inside: the program that takes on the person's ids, the relay, and the job itself.

    What runs before the ids are taken on is named by its full path: the job's own PATH may lead to programs
    of other people.
    """
    enter = ["/bin/sh", "-c", 'cd -- "$0" && exec "$@"', str(job.cwd)]  # a home opens to its person alone
    return [*_become(job.account, host), *enter, *_relay(job, host), *job.argv]


def holding_command(job: Job, host: Host) -> list[str]:
    """Return what runs inside instead, where the job itself is forked into the sandbox from outside.

    It says a line on its output when the sandbox is complete, and stays until it is killed.
    """
    return [*_become(job.account, host), "/bin/sh", "-c", "echo ready && exec sleep infinity >/dev/null 2>&1"]


def relay_rules(job: Job) -> list[tuple[str, str]]:
    """Return the rules of the relay: where it listens, and what each connection reaches."""
    pairs = [(str(f.port), str(_socket_folder(f.port) / f.socket.name)) for f in job.forwards]
    return pairs + [(f"@{LISTENER_FD + n}", str(to.port)) for n, to in enumerate(job.listeners)]


def _namespaces(job: Job, host: Host) -> list[str]:
    arguments = ["--die-with-parent", "--new-session", "--hostname", "labfork"]
    arguments += [
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--cap-drop",
        "ALL",
    ]
    if job.network == "none":
        arguments.append("--unshare-net")
    if host.root:
        return [
            *arguments,
            *(part for cap in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{cap}")),
        ]
    return [*arguments, "--unshare-user", "--disable-userns"]


def _system(job: Job, host: Host, etc: Path) -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            arguments += ["--symlink", f"usr/{name}", str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    files = SYSTEM_FILES + (NETWORK_FILES if job.network == "open" else ())
    arguments += [*_parents(["/etc/passwd"]), *(p for f in files for p in ("--ro-bind-try", f, f))]
    arguments += [p for f in sorted(etc.iterdir()) for p in ("--ro-bind", str(f), f"/etc/{f.name}")]
    if not host.python_prefix.is_relative_to("/usr"):
        prefix = str(host.python_prefix)
        arguments += [*_parents([prefix]), "--ro-bind", prefix, prefix]
    temporary = str(max(job.limits.memory_bytes // 2, 1 << 20))
    return [
        *arguments,
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--size", temporary, "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
        *("--perms", "1777", "--size", temporary, "--tmpfs", "/dev/shm"),  # noqa: S108 - likewise
        *("--perms", "0755", "--dir", "/run", "--perms", "0755", "--dir", str(SOCKETS)),
    ]


def _mounts(job: Job) -> list[str]:
    arguments: list[str] = []
    for mount in sorted(job.mounts, key=lambda mount: len(mount.target.parts)):
        kind = "--ro-bind" if mount.mode == "ro" else "--bind"
        arguments += [*_parents([str(mount.target)]), kind, str(mount.source), str(mount.target)]
    for forward in job.forwards:
        arguments += ["--ro-bind", str(forward.socket.parent), str(_socket_folder(forward.port))]
    for device in job.devices:
        arguments += [*_parents([str(device)]), "--dev-bind", str(device), str(device)]
    return arguments


def _socket_folder(port: int) -> PurePosixPath:
    return SOCKETS / str(port)


def _parents(targets: Iterable[str]) -> list[str]:
    """Make the folders above each target readable: those bubblewrap makes are its user's alone."""
    arguments: list[str] = []
    for target in targets:
        for parent in reversed(PurePosixPath(target).parents[:-1]):
            arguments += ["--perms", "0755", "--dir", str(parent)]
    return arguments


def _become(account: Account, host: Host) -> list[str]:
    if not host.root:
        return []
    groups = ",".join(str(group) for group in account.groups)
    if 0 in (account.uid, account.gid, *account.groups):
        raise ValueError(f"{account} cannot run a job: 0 is root's own number; give it numbers above 0")
    return [
        SETPRIV,
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        f"--groups={groups}" if groups else "--clear-groups",
        "--no-new-privs",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--",
    ]


def _relay(job: Job, host: Host) -> list[str]:
    if not job.forwards and not job.listeners:
        return []
    pairs = [f"{place}={target}" for place, target in relay_rules(job)]
    return [str(host.python), "-I", "-S", str(PROGRAMS / "relay.py"), *pairs, "--"]
