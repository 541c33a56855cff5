"""Filters of system calls: read from a process, and taken on by this one; standard library alone.

See seccomp(2), and ptrace(2), PTRACE_SECCOMP_GET_FILTER, which needs a kernel with CONFIG_CHECKPOINT_RESTORE.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_SECCOMP_GET_FILTER = 0x4206, 0x4207, 0x420C
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
WAIT_ALL = 0x40000000  # __WALL of linux/wait.h, for what is traced
INSTRUCTION = 8  # bytes of a struct sock_filter
LOOK_SECONDS = 2.0
FORKING = multiprocessing.get_context("fork")
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class Program(ctypes.Structure):
    """A `struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def supported() -> bool:
    """Whether this kernel has filters: one that has looks for the one that we do not give it."""
    refused = LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None, 0, 0) != 0
    return refused and ctypes.get_errno() == errno.EFAULT


def filters_of(pid: int) -> list[bytes]:
    """Return the filters of the process `pid`, the newest first, as the kernel was given them.

    The process is stopped for that moment. Raises OSError where the kernel does not tell. A process can keep
    whoever traces it in the kernel, by a `vfork` or an `execve` that never ends: so a fork of ours looks, and
    is ended when that takes long.
    """
    told, telling = FORKING.Pipe(duplex=False)
    looker = FORKING.Process(target=_look, args=(pid, telling))
    looker.start()
    telling.close()
    try:
        found = told.recv() if told.poll(LOOK_SECONDS) else TimeoutError(f"process {pid} does not stop")
    except EOFError:
        found = OSError(f"what looked into process {pid} has died")
    finally:
        looker.kill()
        looker.join()
        told.close()
    if isinstance(found, OSError):
        raise found
    return list(found)


def take_on(filters: Sequence[bytes]) -> None:
    """Put this process under `filters`, the newest first, for good; it must not be able to gain rights."""
    for instructions in reversed(filters):
        program = Program(len(instructions) // INSTRUCTION, instructions)
        if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
            raise _error("a filter of system calls cannot be taken on")


def _look(pid: int, telling: Connection) -> None:
    """Say the filters of a process, or why they cannot be seen; our end lets go of it."""
    try:
        _trace(PTRACE_SEIZE, pid)
        _trace(PTRACE_INTERRUPT, pid)
        os.waitpid(pid, WAIT_ALL)
        telling.send(list(_filters(pid)))
    except OSError as error:
        telling.send(error)


def _filters(pid: int) -> Iterator[bytes]:
    for number in itertools.count():
        try:
            length = _trace(PTRACE_SECCOMP_GET_FILTER, pid, number)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINVAL):  # it has no more, or none at all
                return
            raise
        room = ctypes.create_string_buffer(length * INSTRUCTION)
        _trace(PTRACE_SECCOMP_GET_FILTER, pid, number, ctypes.addressof(room))
        yield room.raw


def _trace(request: int, pid: int, number: int = 0, room: int = 0) -> int:
    result = int(LIBC.ptrace(request, pid, number, room))
    if result < 0:
        raise _error(f"process {pid} cannot be looked into")
    return result


def _error(words: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{words}: {os.strerror(number)}")
