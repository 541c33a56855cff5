"""The fork server of containers: loads our own packages once, and forks jobs into containers that are there.

Started by `hub.warm.containers` with the Python of the image that holds the base packages and nothing of any
project: it sees that image's files, and has the workspace's rights otherwise. Whoever may connect to its
socket, which is the workspace's own account alone, hands over everything about a job and its container: what
it reads of a container is what an open descriptor leads to.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hub.records import write_whole
from hub.supervisor import LIBC, PR_SET_CHILD_SUBREAPER
from hub.warm import FORKS, LOADED
from hub.warm.confinement import take_on, take_on_filters
from hub.warm.entering import Namespaces, give_up_rights, leave_keys
from hub.warm.forking import settle, shell_status
from hub.warm.imports import distributions_loaded
from hub.warm.program import become, retitle
from hub.warm.serving import ASKER_SECONDS, listening, load, packages_loaded_from

LONGEST_REQUEST = 1 << 20
MOST_DESCRIPTORS = 64
LONGEST_REPORT = 4096
PYTHONS_OWN = {signal.SIGPIPE, signal.SIGXFSZ}
ENTERING_SECONDS = 0.8 * ASKER_SECONDS  # whoever asks is told before they give up


def main() -> None:
    """Load everything, then fork what is asked for in the folder of the second argument, until idle for long.

    The first argument is the folder of our own code, the third the name of the image.
    """
    checkout, folder, image = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    load(checkout)
    _heed_signals()
    loaded = {
        "image": image,
        "distributions": distributions_loaded(packages_loaded_from()),
        "variables": {name: value for name, value in os.environ.items() if name.startswith("PYTHON")},
    }
    with listening(folder, FORKS, socket.SOCK_SEQPACKET) as listener, contextlib.suppress(TimeoutError):
        write_whole(folder / LOADED, json.dumps(loaded))
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what looks after a fork is waited for by nobody
        while True:
            asker, _ = listener.accept()
            with asker:
                if os.fork() == 0:
                    listener.close()
                    _look_after(asker)


def _heed_signals() -> None:
    """Ignore no more signals than Python does by itself: what nohup left ignored is no container's matter."""
    for number in signal.valid_signals() - PYTHONS_OWN:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _look_after(asker: socket.socket) -> NoReturn:
    """In a fork: start one job, say its number, then how it ended, as a shell would."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        retitle(("labfork-warm-job",))
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        asker.settimeout(ASKER_SECONDS)
        text, descriptors, _, _ = socket.recv_fds(asker, LONGEST_REQUEST, MOST_DESCRIPTORS)
        request = json.loads(text)
        job = _fork_into(request, descriptors, asker)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(ConnectionError):  # whoever asked has gone, or found fault with it
            asker.sendall(str(job).encode())
        _, status = os.waitpid(job, 0)  # ours, as we are the reaper of what our children leave behind
        with contextlib.suppress(ConnectionError):
            asker.sendall(str(shell_status(status)).encode())
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _fork_into(request: Mapping[str, Any], descriptors: Sequence[int], asker: socket.socket) -> int:
    """Fork the job into its container's process namespace; raises OSError when it cannot enter it.

    What enters is ended in any case: it is outside of that namespace, and under filters of system calls by
    which a container may have made it unable to end itself.
    """
    read_number, write_number = os.pipe()
    if (entering := os.fork()) == 0:
        os.close(read_number)
        library, sys.path[:] = list(sys.path), []  # nothing may be loaded meanwhile: see hub.warm.entering
        try:
            _enter(request, descriptors, write_number)
        except BaseException as error:  # noqa: BLE001 - nothing of ours goes on from here
            os.write(write_number, str(error).encode())
            os._exit(1)
        sys.path[:] = library
        _begin(request, asker)
    os.close(write_number)
    said, _, _ = select.select([read_number], [], [], ENTERING_SECONDS)
    number = os.read(read_number, LONGEST_REPORT) if said else b"it takes too long"
    os.close(read_number)
    os.kill(entering, signal.SIGKILL)
    os.waitpid(entering, 0)
    if not number.isdigit():
        raise OSError(f"the container cannot be entered: {os.fsdecode(number)}")
    return int(number)


def _enter(request: Mapping[str, Any], descriptors: Sequence[int], report: int) -> None:
    """In a fork: enter the container, be shut in as its own processes are, fork the job and say its number.

    Returns in the job alone.
    """
    output, groups = descriptors[0], descriptors[1 : 1 + request["control_groups"]]
    silence = os.open(os.devnull, os.O_RDONLY)
    for group in groups:
        os.write(group, b"0")  # ourselves
    take_on(request["confinement"])
    Namespaces(descriptors[1 + len(groups) :]).enter()
    give_up_rights(request["uid"], request["gid"], request["groups"])
    leave_keys()
    # Before the filters: a job can have made them itself, such that a descriptor is only said to be closed.
    for standard, descriptor in enumerate((silence, output, output)):
        os.dup2(descriptor, standard)
    for descriptor in (silence, *descriptors):
        os.close(descriptor)
    take_on_filters(request["confinement"])
    if (job := os.fork()) != 0:
        os.write(report, str(job).encode())
        os._exit(0)
    os.close(report)


def _begin(request: Mapping[str, Any], asker: socket.socket) -> NoReturn:
    """In the job: wait until whoever asked has looked at it, then be its program."""
    try:
        asker.settimeout(None)
        if asker.recv(1):
            asker.close()
            settle(output=1)
            become(request["argv"], request["env"], request["cwd"])
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)
