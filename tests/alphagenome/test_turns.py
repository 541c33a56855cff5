"""Whose call is next."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.turns import Turns


class Line:
    """Calls that note when their turn comes, and hold it until they are let go."""

    def __init__(self, at_once: int, longest_wait: float = 30) -> None:
        self.turns = Turns(at_once, longest_wait)
        self.order: list[str] = []
        self.held: list[asyncio.Event] = []

    def call(self, person: str, lane: str = "") -> asyncio.Task[None]:
        async def hold() -> None:
            async with self.turns.turn(person, lane):
                self.order.append(person + lane)
                self.held.append(asyncio.Event())
                await self.held[-1].wait()

        return asyncio.create_task(hold())

    async def end_one(self) -> None:
        """End the call whose turn came first of those that hold one."""
        self.held.pop(0).set()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(work) -> None:
    asyncio.run(work())


def test_a_single_call_does_not_wait_for_all_of_a_large_batch():
    async def work():
        line = Line(2)
        batch = [line.call("ada", "1") for _ in range(10)]
        await settle()
        single = line.call("ben", "2")
        await settle()
        await line.end_one()

        assert line.order == ["ada1", "ada1", "ben2"]
        for task in (*batch, single):
            task.cancel()

    run(work)


def test_a_persons_own_session_does_not_wait_for_all_of_their_run():
    async def work():
        line = Line(1)
        batch = [line.call("ada", "run") for _ in range(10)]
        await settle()
        single = line.call("ada", "session")
        await settle()
        await line.end_one()
        await line.end_one()

        assert line.order[:2] == ["adarun", "adasession"]
        for task in (*batch, single):
            task.cancel()

    run(work)


def test_people_take_turns_whatever_each_has_waiting():
    async def work():
        line = Line(1)
        tasks = [line.call(person) for person, count in (("a", 6), ("b", 3), ("c", 3)) for _ in range(count)]
        await settle()
        for _ in range(8):
            await line.end_one()

        assert line.order == ["a", "b", "c"] * 3
        for task in tasks:
            task.cancel()

    run(work)


def test_who_stops_waiting_is_passed_over_and_loses_nobody_a_turn():
    async def work():
        line = Line(1)
        first, second, third = (line.call(person) for person in "abc")
        await settle()
        second.cancel()
        await settle()
        await line.end_one()
        assert line.order == ["a", "c"]
        await line.end_one()
        again = line.call("b")
        await settle()

        assert line.order == ["a", "c", "b"]
        for task in (first, third, again):
            task.cancel()

    run(work)


def test_who_waits_too_long_is_refused_as_passing():
    async def work():
        line = Line(1, longest_wait=0.01)
        first = line.call("ada")
        await settle()
        with pytest.raises(CallRefused) as told:
            await line.call("ben")

        assert told.value.status is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert told.value.personal
        first.cancel()

    run(work)
