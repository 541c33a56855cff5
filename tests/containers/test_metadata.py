"""What an open job in a container does not reach: the addresses with a cloud machine's credentials."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from hub.metadata import NetworkError, shut_out

CONNECT = """
import errno, os, socket
for host, port in PLACES:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.settimeout(60)
        print(errno.errorcode.get(s.connect_ex((host, port)), "reached"))
"""


def test_an_open_job_reaches_other_addresses_and_no_metadata(container, docker_engine):
    [network] = docker_engine.client.networks.list(names=["bridge"])
    machine = network.attrs["IPAM"]["Config"][0]["Gateway"]
    with socket.create_server((machine, 0)) as server:
        places = [(machine, server.getsockname()[1]), ("169.254.169.254", 80), ("169.254.170.2", 80)]
        places += [("100.100.100.200", 80), ("fd00:ec2::254", 80)]
        outcome, log = container.run(CONNECT.replace("PLACES", repr(places)), network="open")
    reached, *others, by_six = log.split()

    assert (reached, outcome.exit_code) == ("reached", 0)
    assert others == [errno.errorcode[errno.EHOSTUNREACH]] * 3
    assert by_six in ("EHOSTUNREACH", "EADDRNOTAVAIL", "ENETUNREACH")


@pytest.mark.parametrize(
    ("pid", "why"),
    [(os.getpid(), "this machine's own network"), (1 << 23, "process 8388608 is not to be seen")],
    ids=["its own", "none"],
)
def test_a_network_that_is_not_to_be_changed_is_left_and_said(pid, why):
    with pytest.raises(NetworkError, match=why):
        shut_out(pid)
