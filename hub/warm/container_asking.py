"""How a supervisor has the job of its container forked into it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.process_tree import children, number_inside
from hub.warm import ENTRYPOINT_VARIABLE, FORKS
from hub.warm.asking import connected
from hub.warm.confinement import compare, confinement_of, open_groups
from hub.warm.entering import Namespaces

LOOK = 0.002
GATE_SECONDS = 2.0
LONGEST_ANSWER = 16
GO_ON = b"1"
READ_AT_START = ("PYTHON", "LD_", "GLIBC_TUNABLES", "MALLOC_", "OPENSSL_", ENTRYPOINT_VARIABLE)


@dataclass(frozen=True)
class ForkedJob:
    """A job that was forked into its container."""

    process: int  # a descriptor of just that one
    number: int  # by which the container's own processes know it
    keeper: socket.socket

    def wait(self) -> int | None:
        """Return how it ended, as a shell would say it; None when nobody knows."""
        said = self.keeper.recv(LONGEST_ANSWER)
        return int(said) if said.isdigit() else None

    def ask_to_end(self) -> None:
        """Send it SIGTERM; raises ProcessLookupError when it has ended."""
        signal.pidfd_send_signal(self.process, signal.SIGTERM)


def fork_into(pid: int, plan: Mapping[str, Any], env: Mapping[str, str], output: int) -> ForkedJob:
    """Have the job of `plan` forked, with the variables `env`, into the container of the process `pid`.

    It begins once the kernel says of it what it says of the container's own processes, and writes to
    `output`. Raises OSError when it cannot be so; nothing of the job has begun then.
    """
    if unlike := _read_at_start(env).items() ^ plan["variables"].items():
        raise OSError(f"the image sets {min(unlike)[0]}, which a program reads at its start")
    with ExitStack() as stack:
        first = os.pidfd_open(pid)
        stack.callback(os.close, first)
        _await_gate(pid)
        confinement = confinement_of(pid)
        server = stack.enter_context(connected(Path(plan["folder"]), FORKS, socket.SOCK_SEQPACKET))
        groups = open_groups(pid)
        namespaces = Namespaces.of(pid)
        stack.callback(namespaces.close)
        for group in groups:
            stack.callback(os.close, group)
        request = {
            **{name: plan[name] for name in ("argv", "cwd", "uid", "gid", "groups")},
            "env": dict(env),
            "confinement": confinement,
            "control_groups": len(groups),
        }
        socket.send_fds(server, [json.dumps(request).encode()], [output, *groups, *namespaces.descriptors])
        number = server.recv(LONGEST_ANSWER)
        if not number:
            raise OSError("the fork server could not enter the container; its log says why")
        compare(pid, int(number), confinement)
        signal.pidfd_send_signal(first, 0)  # it is there still: nothing was read of another with its number
        process, inside = os.pidfd_open(int(number)), number_inside(int(number))
        server.sendall(GO_ON)
        server.settimeout(None)
        return ForkedJob(process, inside, server.dup())


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Python, the C library, OpenSSL or the image reads when a program starts."""
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def _await_gate(pid: int) -> None:
    """Wait until the first process of a container has started the second: it then is all that it will be."""
    deadline = time.monotonic() + GATE_SECONDS
    while not children(pid):
        if time.monotonic() > deadline:
            raise OSError("the container's first process started nothing")
        time.sleep(LOOK)
