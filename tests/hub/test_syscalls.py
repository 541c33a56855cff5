"""What a job in a sandbox may not ask of the kernel, and what it still may."""

from __future__ import annotations

import json
import platform

import pytest

from deploy.doctor import system_calls
from hub import syscalls
from tests.hub.conftest import Runner
from tests.system_calls import CALL, number

needs_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers and code of this processor")

# most of them would say something else to a process that merely has no rights
REFUSED = """
init_module finit_module delete_module kexec_load reboot syslog bpf
swapon swapoff acct quotactl quotactl_fd vhangup sethostname setdomainname
settimeofday clock_settime clock_adjtime adjtimex
mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr
open_by_handle_at fanotify_init setns
add_key request_key keyctl
io_uring_setup io_uring_enter io_uring_register userfaultfd perf_event_open
"""


def answers(runner: Runner, calls: list[tuple[int, ...]]) -> list[str | int]:
    """Return what the kernel says to each of these calls of a job."""
    code = f"{CALL}\nimport json; print(json.dumps([call(*each) for each in {calls}]))"
    outcome, log = runner.run(code)
    assert outcome.exit_code == 0, log
    return json.loads(log)


def test_what_no_job_needs_is_refused(sandbox):
    names = REFUSED.split()
    said = answers(sandbox, [(number(name), 0, 0, 0, 0) for name in names])

    assert dict(zip(names, said, strict=True)) == dict.fromkeys(names, "EPERM")


@pytest.mark.parametrize("call", ["unshare", "clone"])
def test_a_job_makes_no_namespace(sandbox, call):
    signal_of_end = 17 if call == "clone" else 0
    flags = [flag | signal_of_end for flag in (*syscalls.CLONE_NEW, syscalls.CLONE_NEW[4] | 1 << 32)]
    said = answers(sandbox, [(number(call), flag, 0, 0, 0, 0) for flag in flags])

    assert said == ["EPERM"] * len(flags)


def test_the_c_library_is_told_to_start_processes_by_a_call_whose_flags_are_seen(sandbox):
    assert answers(sandbox, [(number("clone3"), 0, 0)]) == ["ENOSYS"]


VSOCK, ALG, NETLINK = 40, 38, 16


def test_a_socket_of_an_unusual_family_is_refused_however_its_number_is_given(sandbox):
    families = [VSOCK, ALG, VSOCK | 1 << 32]
    calls = [(number(call), family, 1, 0) for call in ("socket", "socketpair") for family in families]

    assert answers(sandbox, calls) == ["EAFNOSUPPORT"] * len(calls)


@needs_x86
@pytest.mark.parametrize(
    "attempt",
    ["call(0x40000000 + 39)", "code()"],
    ids=["x32", "i386"],
)
def test_a_process_that_calls_as_another_architecture_does_is_killed(sandbox, attempt):
    code = (
        f"{CALL}\nimport mmap, os\n"
        "page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        "page.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')  # getpid by its number of i386\n"
        "code = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        f"if (child := os.fork()) == 0:\n    {attempt}\n    os._exit(0)\n"
        "print(os.WTERMSIG(os.waitpid(child, 0)[1]))"
    )
    _, log = sandbox.run(code)

    assert log == "31\n"  # SIGSYS


WORKS = {
    "threads": "import threading; t = threading.Thread(target=print); t.start(); t.join()",
    "a process": "import subprocess; subprocess.run(['true'], check=True, start_new_session=True)",
    "processes with a pool": "import multiprocessing as m; m.get_context('fork').Pool(2).map(abs, range(9))",
    "shared memory": "from multiprocessing import shared_memory as s\n"
    "s.SharedMemory(create=True, size=9).unlink()",
    "an event loop": "import asyncio\nasync def main(): await asyncio.create_subprocess_exec('true')\n"
    "asyncio.run(main())",
    "sockets": "import socket; socket.socketpair()\n"
    "socket.getaddrinfo('localhost', 80); socket.if_nameindex()",
    "a terminal": "import pty, os; assert os.waitstatus_to_exitcode(pty.spawn('true')) == 0",
    "a debugger": f"{CALL}\nimport os\n"
    "if (child := os.fork()) == 0: os._exit(libc.ptrace(0, 0, 0, 0))\n"
    "assert os.waitpid(child, 0)[1] == 0",
    "a process's own copy of its folder": f"{CALL}\nassert libc.unshare(0x200) == 0",  # CLONE_FS
    "memory by mapping": "import mmap; mmap.mmap(-1, 9).madvise(mmap.MADV_DONTFORK)",
    "git": "import subprocess; subprocess.run(['git', 'init', '-q', 'project'], check=True)",
}


@pytest.mark.parametrize("what", WORKS)
def test_what_jobs_do_need_works(sandbox, what):
    outcome, log = sandbox.run(WORKS[what])

    assert outcome.exit_code == 0, log


def test_one_filter_holds_a_job(sandbox):
    _, log = sandbox.run("print(open('/proc/self/status').read())")

    assert "Seccomp:\t2\nSeccomp_filters:\t1\n" in log


@pytest.fixture
def without_libseccomp(monkeypatch):
    """A machine that has no libseccomp."""
    monkeypatch.setattr(syscalls, "LIBRARY", "libseccomp.so.missing")
    syscalls.call_filter.cache_clear()
    yield
    syscalls.call_filter.cache_clear()


@pytest.mark.usefixtures("without_libseccomp")
def test_without_libseccomp_jobs_start_and_the_doctor_says_what_is_missing(sandbox):
    _, log = sandbox.run("print(open('/proc/self/status').read())")

    assert "Seccomp:\t0\n" in log
    assert not system_calls().present
    assert "apt-get install libseccomp2" in system_calls().detail


def test_the_doctor_says_that_there_is_a_filter():
    assert system_calls().present
