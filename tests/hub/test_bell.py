"""What wakes a supervisor."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from hub.bell import NAME, Bell, ring

LONG = 20.0  # seconds; no test waits that long


@pytest.fixture
def bell(tmp_path) -> Bell:
    """The bell of a supervisor."""
    return Bell(tmp_path)


def test_whoever_rings_wakes_the_supervisor_once(bell, tmp_path):
    began = time.monotonic()
    threading.Timer(0.1, ring, [tmp_path]).start()

    assert bell.wait(LONG)
    assert time.monotonic() - began < LONG / 2
    assert not bell.wait(0)


def test_a_ring_before_anybody_waits_is_not_lost(bell):
    bell.ring()
    bell.ring()

    assert bell.wait(0)
    assert not bell.wait(0)


def test_a_bell_that_rings_and_rings_holds_nobody_up(bell):
    for _ in range(70_000):  # more than a pipe holds
        bell.ring()

    assert bell.wait(0)


def test_to_ring_for_nobody_does_nothing(tmp_path):
    ring(tmp_path)
    os.mkfifo(tmp_path / NAME)  # of a supervisor that has ended
    ring(tmp_path)

    assert Path(tmp_path / NAME).is_fifo()


def test_a_supervisor_waits_at_the_bell_of_one_that_was_cut_off(bell, tmp_path):
    again = Bell(tmp_path)
    ring(tmp_path)

    assert again.wait(LONG)
