"""System calls as a job of the tests makes them."""

from __future__ import annotations

import ctypes

from hub.syscalls import LIBRARY

# The head of a job's Python code: `call(NUMBER, ...)` returns the name of the error, or what there is else.
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(*numbers):
    result = libc.syscall(*map(ctypes.c_long, numbers))
    return errno.errorcode[ctypes.get_errno()] if result == -1 else result
"""


def number(name: str) -> int:
    """Return the number of a system call on this machine."""
    found: int = ctypes.CDLL(LIBRARY).seccomp_syscall_resolve_name(name.encode())
    return found
