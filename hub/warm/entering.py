"""Enters a sandbox from outside and gives up every right on the way; standard library alone.

Everything here runs with the workspace's rights while the sandbox's files, which are somebody else's, are
already what this process sees. So nothing here imports, opens or executes anything.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Sequence
from pathlib import Path

KINDS = ("cgroup", "ipc", "uts", "net", "pid", "mnt")
NS_GET_USERNS = 0xB701  # linux/nsfs.h
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 24, 38, 47  # linux/prctl.h
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
CAPABILITIES = 64
KEYCTL = {"x86_64": 250, "aarch64": 219}  # asm/unistd.h; the C library has no function for it
KEYCTL_JOIN_SESSION_KEYRING = 1  # linux/keyctl.h
LIBC = ctypes.CDLL(None, use_errno=True)


class Namespaces:
    """Namespaces to enter, as open descriptors in the order in which they are entered."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self.descriptors = tuple(descriptors)

    @classmethod
    def of(cls, pid: int) -> Namespaces:
        """Open those of the process `pid` that are not our own."""
        others = [opened for kind in KINDS if (opened := _foreign(pid, kind)) is not None]
        users = _foreign(pid, "user")
        if users is None:
            return cls(others)
        # bubblewrap makes the others in one user namespace and shuts the job into a second one below it
        if not others:
            raise OSError(errno.EINVAL, f"process {pid} has a user namespace of its own alone")
        above = fcntl.ioctl(others[-1], NS_GET_USERNS)
        if os.path.sameopenfile(above, users):
            os.close(users)
            return cls((above, *others))
        return cls((above, *others, users))

    def enter(self) -> None:
        """Enter all of them; processes that are started from now on are in its process namespace.

        Raises OSError where the kernel refuses.
        """
        for descriptor in self.descriptors:
            _call(LIBC.setns, descriptor, 0)

    def close(self) -> None:
        """Let go of them."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def give_up_rights(uid: int | None, gid: int, groups: Sequence[int]) -> None:
    """Become the account with these ids, for good; None keeps the only id that a user namespace has.

    No capability is left, none can be gained, by any means. Raises OSError where the kernel refuses.
    """
    for capability in range(CAPABILITIES):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            if ctypes.get_errno() != errno.EINVAL:
                raise OSError(ctypes.get_errno(), "the bounding set cannot be emptied")
            break
    if uid is not None:
        os.setgroups(list(groups))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _call(LIBC.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _call(LIBC.capset, struct.pack("=Ii", CAPABILITY_VERSION_3, 0), struct.pack("=6I", *[0] * 6))
    _call(LIBC.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def leave_keys() -> None:
    """Have a new session keyring, as whatever is in the workspace's own is readable for what inherits that.

    Raises OSError where the kernel refuses.
    """
    joined = LIBC.syscall(KEYCTL.get(os.uname().machine, -1), KEYCTL_JOIN_SESSION_KEYRING, None)
    if joined < 0 and (number := ctypes.get_errno()) != errno.ENOSYS:  # then it has no keys at all
        raise OSError(number, f"keyctl: {os.strerror(number)}")


def show_to_its_own() -> None:
    """Let this process look at itself again, which changing ids took away; what it executes could anyway."""
    _call(LIBC.prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)


def _foreign(pid: int, kind: str) -> int | None:
    """Open a namespace of `pid`; None where it is ours too."""
    descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    ours = Path(f"/proc/self/ns/{kind}").stat()
    if (ours.st_dev, ours.st_ino) != (os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino):
        return descriptor
    os.close(descriptor)
    return None


def _call(function: ctypes._NamedFuncPointer, *arguments: object) -> None:
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function.__name__}: {os.strerror(ctypes.get_errno())}")
