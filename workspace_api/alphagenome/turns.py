"""Whose call is next: people take turns, and so do the scripts of one person."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from workspace_api.alphagenome.backends import CallRefused

Lane = tuple[str, str]


class Turns:
    """Lets `at_once` calls go at a time.

    Next is somebody of whom the fewest calls are under way, then the one whose turn was longest ago; among
    one person's lanes (each a token: a run, a session, a script) the same counts. So a thousand calls of one
    run hold up neither other people nor a single call of the same person for longer than one call takes.
    """

    def __init__(self, at_once: int, longest_wait: float) -> None:
        self._free = at_once
        self._at_once = at_once
        self._longest_wait = longest_wait
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {}
        self._people: Counter[str] = Counter()
        self._lanes: Counter[Lane] = Counter()
        self._clock = itertools.count(1)
        self._last_of_person: dict[str, int] = {}
        self._last_of_lane: dict[Lane, int] = {}

    @asynccontextmanager
    async def turn(self, person: str, lane: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the block lasts; RESOURCE_EXHAUSTED after too long."""
        await self._acquire((person, lane))
        try:
            yield
        finally:
            self._release((person, lane))

    async def _acquire(self, lane: Lane) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, deque()).append(place)
        self._next()
        try:
            async with asyncio.timeout(self._longest_wait):
                await asyncio.shield(place)
        except TimeoutError:
            self._leave(lane, place)
            raise CallRefused(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{self._at_once} calls are under way, and yours has waited {self._longest_wait:g} s for its "
                "turn. Ask for fewer at once, or again in a minute.",
                personal=True,
            ) from None
        except asyncio.CancelledError:
            self._leave(lane, place)
            raise

    def _leave(self, lane: Lane, place: asyncio.Future[None]) -> None:
        """Stop waiting; a turn that was just given goes to the next."""
        if place.done():
            self._release(lane)
            return
        self._waiting[lane].remove(place)
        if not self._waiting[lane]:
            del self._waiting[lane]

    def _release(self, lane: Lane) -> None:
        self._free += 1
        self._people -= Counter([lane[0]])
        self._lanes -= Counter([lane])
        self._next()

    def _next(self) -> None:
        while self._free and self._waiting:
            lane = min(self._waiting, key=self._rank)
            place = self._waiting[lane].popleft()
            if not self._waiting[lane]:
                del self._waiting[lane]
            self._free -= 1
            self._people[lane[0]] += 1
            self._lanes[lane] += 1
            self._last_of_person[lane[0]] = self._last_of_lane[lane] = next(self._clock)
            place.set_result(None)
        if not self._waiting and not self._people:
            self._last_of_person.clear()
            self._last_of_lane.clear()

    def _rank(self, lane: Lane) -> tuple[int, int, int, int]:
        return (
            self._people[lane[0]],
            self._last_of_person.get(lane[0], 0),
            self._lanes[lane],
            self._last_of_lane.get(lane, 0),
        )
