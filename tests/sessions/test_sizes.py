"""Sizes of sessions: which there are, and which one is meant."""

from __future__ import annotations

import pytest

from hub.machine import Machine, gpu_devices
from workspace_api.sessions.sizes import sizes_of, usual_size
from workspace_api.settings import GIB, SessionClass, SessionSettings

MACHINE = Machine(memory_bytes=16 * GIB, cpus=4)
NAMED = SessionSettings(
    classes={
        "tiny": SessionClass(cpus=1, memory_gib=1),
        "wide": SessionClass(title="Wide", cpus=8, memory_gib=2, hours=8),
        "deep": SessionClass(cpus=2, memory_gib=32),
        "vision": SessionClass(cpus=2, memory_gib=8, gpu=True),
    }
)


def names(settings: SessionSettings, machine: Machine = MACHINE) -> list[str]:
    return [size.name for size in sizes_of(settings, machine)]


@pytest.mark.parametrize(
    ("machine", "offered"),
    [
        (MACHINE, ["small", "standard", "large"]),
        (Machine(memory_bytes=16 * GIB, cpus=2), ["small", "standard"]),
        (Machine(memory_bytes=7 * GIB, cpus=8), ["small", "standard"]),
        (Machine(memory_bytes=1 * GIB, cpus=1), ["standard"]),
    ],
)
def test_without_a_word_there_are_as_many_sizes_as_the_machine_allows(machine, offered):
    assert names(SessionSettings(), machine) == offered


def test_the_standard_size_is_what_the_section_says():
    [small, standard, *_] = sizes_of(SessionSettings(cpus=2, memory_gib=3, processes=99), MACHINE)

    assert (standard.cpus, standard.memory_bytes, standard.processes) == (2, 3 * GIB, 99)
    assert small.words == "1 processor, 1.5 GiB of memory"


def test_named_sizes_replace_our_own_in_their_order():
    assert names(NAMED) == ["tiny", "wide", "deep"]
    assert sizes_of(NAMED, MACHINE)[1].words == "8 processors, 2 GiB of memory, 8 hours at most"


def test_a_size_with_a_graphics_processor_is_offered_only_where_there_is_one(tmp_path):
    assert gpu_devices(tmp_path) == ()
    (tmp_path / "nvidiactl").touch()
    assert gpu_devices(tmp_path) == ()
    (tmp_path / "nvidia0").touch()
    found = gpu_devices(tmp_path)
    assert [path.name for path in found] == ["nvidia0", "nvidiactl"]
    assert names(NAMED, Machine(16 * GIB, 4, found)) == ["tiny", "wide", "deep", "vision"]


@pytest.mark.parametrize(
    ("last", "resources", "meant"),
    [
        ("deep", {"cpu": 1}, "deep"),  # what they took last
        ("gone", {}, "tiny"),
        (None, {"cpu": 4}, "wide"),
        (None, {"memory_gib": 1.5}, "wide"),  # the least memory that is enough
        (None, {"cpu": 2, "memory_gib": 4.0}, "deep"),
        (None, {"cpu": 64}, "tiny"),  # no size fits
        (None, {"minutes": 5}, "tiny"),
    ],
)
def test_which_size_is_meant_where_nobody_chose(last, resources, meant):
    assert usual_size(sizes_of(NAMED, MACHINE), last=last, resources=resources).name == meant


def test_the_usual_one_is_called_standard():
    assert usual_size(sizes_of(SessionSettings(), MACHINE), last=None, resources={}).name == "standard"


def test_a_time_limit_becomes_that_of_the_job():
    [_, wide, _] = sizes_of(NAMED, MACHINE)

    assert wide.job_limits().wall_seconds == 8 * 3600
