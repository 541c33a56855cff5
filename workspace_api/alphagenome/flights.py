"""One answer under way for everybody who asks the same at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing

import grpc

from workspace_api.alphagenome.answers import IncomingAnswer
from workspace_api.alphagenome.backends import CallRefused

logger = logging.getLogger(__name__)
FAILED = "The gateway failed at this call. Try again; if it stays so, tell the workspace's administrator."
Source = Callable[[ExitStack], AsyncGenerator[bytes, None]]


class Flight:
    """An answer that comes in for its readers; without any it is given up."""

    def __init__(self, answer: IncomingAnswer) -> None:
        self.answer = answer
        self.task: asyncio.Task[None] | None = None
        self.deserted = asyncio.Event()
        self._readers = 0

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Yield the whole answer; raises CallRefused. Whoever leaves last before its end ends it."""
        self._readers += 1
        self.deserted.clear()
        try:
            async with aclosing(self.answer.read()) as messages:
                async for message in messages:
                    yield message
        finally:
            self._readers -= 1
            if not self._readers:
                self.deserted.set()
                if self.task is not None and not self.answer.ended:
                    self.task.cancel()


class Flights:
    """The answers that come in now, by their keys."""

    def __init__(self, new_answer: Callable[[str], IncomingAnswer]) -> None:
        self._new_answer = new_answer
        self._flights: dict[str, Flight] = {}
        self._under_way: set[Flight] = set()

    def join(self, key: str) -> Flight | None:
        """Return the flight of `key` that can still be joined."""
        flight = self._flights.get(key)
        if flight is None or not flight.answer.joinable or (flight.task and flight.task.cancelling()):
            return None
        return flight

    def start(self, key: str, method: str, source: Source) -> Flight:
        """Start one whose messages come from `source`; it is kept under `key` when it has ended well.

        What the source enters into the stack that it is given is left once the answer is kept, or will not
        be.
        """
        flight = Flight(self._new_answer(method))
        self._flights[key] = flight
        flight.task = asyncio.create_task(self._fly(key, flight, source))
        self._under_way.add(flight)
        flight.task.add_done_callback(lambda _: self._under_way.discard(flight))
        return flight

    async def landed(self) -> None:
        """Wait until nothing is under way, and all that ended well is kept."""
        tasks = [flight.task for flight in self._under_way if flight.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give up what is under way; what has ended is still kept."""
        for flight in self._under_way:
            if flight.task is not None and not flight.answer.ended:
                flight.task.cancel()
        await self.landed()

    async def _fly(self, key: str, flight: Flight, source: Source) -> None:
        answer = flight.answer
        try:
            with ExitStack() as until_kept:
                async with aclosing(source(until_kept)) as messages:
                    async for message in messages:
                        await answer.add(message)
                await answer.end()
                await answer.keep(key)
        except CallRefused as refusal:
            await answer.end(refusal)
        except asyncio.CancelledError:
            await answer.end(CallRefused(grpc.StatusCode.CANCELLED, "The call was given up.", personal=True))
            raise
        except Exception:
            logger.exception("an answer failed")
            await answer.end(CallRefused(grpc.StatusCode.INTERNAL, FAILED))
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            await flight.deserted.wait()
            await answer.close()
