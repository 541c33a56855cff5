"""What a job in a sandbox may not ask of the kernel: a filter of system calls (seccomp), made by libseccomp.

All is allowed but what is named here, which no notebook, terminal, debugger or git needs: what wants rights
that a job does not have, and parts of the kernel that are large, young or lead past the sandbox. Each of them
is code in which a flaw would lead out. Calls that the installed libseccomp has no name for are left out.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Iterator
from typing import NamedTuple

from hub.warm import seccomp

LIBRARY = "libseccomp.so.2"

REFUSED = (
    # the kernel itself: its modules, another one in its place, its log, programs inside of it, its end
    "init_module finit_module delete_module create_module query_module get_kernel_syms",
    "kexec_load kexec_file_load syslog bpf reboot",
    # what a machine has one of: swap, accounts of use, quotas, clocks, terminals hung up, names
    "swapon swapoff acct quotactl quotactl_fd vhangup sethostname setdomainname",
    "settimeofday stime adjtimex clock_settime clock_settime64 clock_adjtime clock_adjtime64",
    # the files as they were laid out: mounts, roots, files by their number, a watch over all files
    "mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick",
    "open_tree open_tree_attr move_mount mount_setattr open_by_handle_at fanotify_init",
    # namespaces of others; making one is told apart below
    "setns",
    # keys are kept for a person's number, not for a sandbox
    "add_key request_key keyctl",
    # young and large; where machines have switched them off, programs do without
    "io_uring_setup io_uring_enter io_uring_register userfaultfd perf_event_open",
    # ports and segments of the processor
    "iopl ioperm modify_ldt vm86 vm86old",
    # left from long ago
    "uselib sysfs _sysctl nfsservctl lookup_dcookie",
)

# A namespace of one's own gives every right over the kernel's code inside of it. The flags of linux/sched.h:
# mounts, control groups, host name, IPC, users, processes, network.
CLONE_NEW = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
CLONE_NEWTIME = 0x80  # of `unshare` alone: to `clone` these bits are a signal

# Sockets of other families lead past network namespaces (AF_VSOCK to the host of a virtual machine), or to
# protocols that hardly anybody uses: AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, which tells addresses.
FAMILIES = frozenset({1, 2, 10, 16})
ALL_FAMILIES = range(1, 64)  # the kernel knows fewer
WHOLE = 0xFFFFFFFF  # of an argument that is an int: the kernel does not look at the upper half

# seccomp.h
ALLOW, KILL_PROCESS, FAIL = 0x7FFF0000, 0x80000000, 0x00050000  # the last with the error's number below
ACTION_FOR_OTHER_ARCHITECTURES = 2
MASKED_EQUAL = 7


class Rule(NamedTuple):
    """A refusal: of each call by the name, or of those whose first argument is `value` as far as `mask`."""

    call: str
    error: int
    mask: int = 0
    value: int = 0


class Comparison(ctypes.Structure):
    """A `struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def rules() -> Iterator[Rule]:
    """Give every refusal."""
    for group in REFUSED:
        yield from (Rule(call, errno.EPERM) for call in group.split())
    # its flags lie in memory, where no filter looks: the C library goes on with clone
    yield Rule("clone3", errno.ENOSYS)
    for flag in CLONE_NEW:
        yield from (Rule(call, errno.EPERM, flag, flag) for call in ("clone", "unshare"))
    yield Rule("unshare", errno.EPERM, CLONE_NEWTIME, CLONE_NEWTIME)
    for family in sorted(set(ALL_FAMILIES) - FAMILIES):
        yield from (Rule(call, errno.EAFNOSUPPORT, WHOLE, family) for call in ("socket", "socketpair"))


@functools.cache
def call_filter() -> bytes | None:
    """Return the filter as the kernel takes it; None where libseccomp is missing, or filters in the kernel.

    A process that calls by the numbers of another architecture, which mean other calls, is killed.
    """
    try:
        library = _library()
    except OSError:
        return None
    return _compiled(library) if seccomp.supported() else None


def _compiled(library: ctypes.CDLL) -> bytes:
    made = library.seccomp_init(ALLOW)
    try:
        _check(library.seccomp_attr_set(made, ACTION_FOR_OTHER_ARCHITECTURES, KILL_PROCESS))
        for rule in rules():
            _add(library, made, rule)
        with os.fdopen(os.memfd_create("filter"), "rb") as file:
            _check(library.seccomp_export_bpf(made, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(made)


def _add(library: ctypes.CDLL, made: int, rule: Rule) -> None:
    number = library.seccomp_syscall_resolve_name(rule.call.encode())
    if number < 0:  # not known, or not on this machine's architecture
        return
    comparisons = [Comparison(0, MASKED_EQUAL, rule.mask, rule.value)] if rule.mask else []
    array = (Comparison * len(comparisons))(*comparisons)
    _check(library.seccomp_rule_add_array(made, FAIL | rule.error, number, len(comparisons), array))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, f"libseccomp: {os.strerror(-result)}")


def _library() -> ctypes.CDLL:
    """Load libseccomp; raises OSError where it is missing."""
    library = ctypes.CDLL(LIBRARY)
    made, number = ctypes.c_void_p, ctypes.c_uint32
    library.seccomp_init.argtypes = (number,)
    library.seccomp_init.restype = made
    library.seccomp_attr_set.argtypes = (made, ctypes.c_int, number)
    library.seccomp_rule_add_array.argtypes = (
        *(made, number, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(Comparison),
    )
    library.seccomp_export_bpf.argtypes = (made, ctypes.c_int)
    library.seccomp_release.argtypes = (made,)
    library.seccomp_release.restype = None
    return library
