"""Whose session starts next: the rules of the line, case by case."""

from __future__ import annotations

import datetime as dt

import pytest

from hub.machine import Machine
from workspace_api.sessions.admission import Claim, Lack, Room, admitted, line_of, outlooks, room_of
from workspace_api.settings import GIB, SessionSettings

ROOM = Room(places=3, per_person=2, cpus=8, memory_bytes=16)
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def claims(*names: str, **more) -> list[Claim]:
    """Return sessions `a1`, `b1` ...: of the person a, b ..., opened a second after one another."""
    return [
        Claim(name, name[0], NOON + dt.timedelta(seconds=second), 1, 4, **more)
        for second, name in enumerate(names)
    ]


def ids(found: list[Claim]) -> list[str]:
    return [claim.id for claim in found]


@pytest.mark.parametrize(
    ("open_", "waiting", "line"),
    [
        ([], ["a1", "b1", "c1"], ["a1", "b1", "c1"]),  # in the order of opening
        ([], ["a1", "a2", "b1", "c1"], ["a1", "b1", "c1", "a2"]),  # everybody's first before a second
        (["a0"], ["a1", "b1"], ["b1", "a1"]),  # who has none yet comes first
        ([], ["a1", "a2", "a3", "b1"], ["a1", "b1", "a2"]),  # a third of two is not in the line
        (["a8", "a9"], ["a1", "b1"], ["b1"]),
    ],
)
def test_the_line_is_in_the_order_of_opening_and_fair_between_people(open_, waiting, line):
    assert ids(line_of(claims(*waiting), claims(*open_), ROOM.per_person)) == line


@pytest.mark.parametrize(
    ("open_", "waiting", "started"),
    [
        ([], ["a1", "b1", "c1", "d1"], ["a1", "b1", "c1"]),
        (["x1", "y1"], ["a1", "b1"], ["a1"]),
        (["x1", "y1", "z1"], ["a1"], []),
        ([], [], []),
    ],
)
def test_as_many_start_as_there_are_places(open_, waiting, started):
    assert ids(admitted(claims(*waiting), claims(*open_), ROOM)) == started


def test_ten_people_at_once_all_come_in_turn():
    waiting, open_, seen = claims(*(f"{person}1" for person in "abcdefghij")), [], []
    while waiting:
        now = admitted(waiting, open_, ROOM)
        seen += ids(now)
        waiting = [claim for claim in waiting if claim not in now]
        open_ = [*open_, *now][1:]  # one of them ends

    assert seen == [f"{person}1" for person in "abcdefghij"]


def large(name: str, **more) -> Claim:
    return Claim(name, name[0], NOON, 1, 12, **more)


def test_a_large_session_is_not_overtaken_by_small_ones_for_which_there_is_room():
    open_ = claims("x1", "y1")
    assert admitted([large("a1"), *claims("b1")], open_, ROOM) == []
    assert ids(admitted([large("a1"), *claims("b1")], open_[:1], ROOM)) == ["a1"]


def test_only_what_lacks_the_graphics_processor_lets_others_pass():
    open_ = claims("x1", gpu=True)
    waiting = [*claims("a1", gpu=True), *claims("b1")]
    assert ids(admitted(waiting, open_, ROOM)) == ["b1"]
    assert outlooks(waiting, open_, ROOM)["a1"].lack is Lack.GPU


def test_one_that_is_larger_than_all_the_room_starts_when_it_is_alone():
    whale = Claim("a1", "a", NOON, 99, 999)
    assert ids(admitted([whale], [], ROOM)) == ["a1"]
    assert admitted([whale], claims("x1"), ROOM) == []


@pytest.mark.parametrize(
    ("room", "lack"),
    [
        (Room(places=1, per_person=2, cpus=8, memory_bytes=16), Lack.PLACE),
        (Room(places=3, per_person=2, cpus=8, memory_bytes=7), Lack.MEMORY),
        (Room(places=3, per_person=2, cpus=1.5, memory_bytes=16), Lack.CPUS),
        (Room(places=3, per_person=2, cpus=2, memory_bytes=8), Lack.NOTHING),
    ],
)
def test_the_first_in_the_line_is_told_what_it_lacks(room, lack):
    outlook = outlooks(claims("a1"), claims("x1"), room)["a1"]

    assert (outlook.position, outlook.lack) == (1, lack)


def test_everybody_is_told_their_number():
    found = outlooks(claims("a1", "a2", "a3", "b1"), claims("x1", "y1", "z1"), ROOM)

    assert {name: outlook.position for name, outlook in found.items()} == {
        "a1": 1,
        "b1": 2,
        "a2": 3,
        "a3": None,
    }
    assert [found[name].lack for name in ("a1", "b1", "a3")] == [Lack.PLACE, Lack.TURN, Lack.OWN]


@pytest.mark.parametrize(
    ("settings", "cpus", "gib"),
    [
        (SessionSettings(), 40, 16),
        (SessionSettings(cpus_at_once=6, memory_at_once_gib=12.5), 6, 12.5),
    ],
)
def test_the_room_is_set_or_comes_from_the_machine(settings, cpus, gib):
    room = room_of(settings, Machine(memory_bytes=8 * GIB, cpus=4))

    assert (room.cpus, room.memory_bytes) == (cpus, gib * GIB)
