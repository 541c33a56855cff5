"""An answer while it comes in: read by any number of callers at their own pace, each from its beginning."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.cache import AnswerCache, Recording
from workspace_api.alphagenome.framing import BrokenAnswerError

logger = logging.getLogger(__name__)
IN_MEMORY = 4_000_000  # bytes of an answer that are held before it goes to disk
ALL_IN_MEMORY = 48_000_000  # of all answers together
AHEAD = 4  # messages that may wait for the slowest reader where there is no disk to put them on
Result = TypeVar("Result")


@dataclass
class Room:
    """How many bytes all answers under way hold in memory together."""

    held: int = 0


class IncomingAnswer:
    """The messages of one answer.

    They are held in memory until they are too many, here or in all answers, and on disk from then on. A disk
    that takes no more only means that the rest comes no faster than it is read, that nobody can join, and
    that nothing is kept.
    """

    def __init__(self, method: str, cache: AnswerCache, disk: Executor, room: Room) -> None:
        self._method = method
        self._room = room
        self._cache = cache
        self._disk = disk
        self._messages: list[bytes | int | None] = []  # itself, its place on disk, or given to everybody
        self._held = 0
        self._recording: Recording | None = None
        self._readers: dict[int, int] = {}  # how far each reader is
        self._next_reader = 0
        self._changed = asyncio.Condition()
        self._ended = False
        self._refusal: CallRefused | None = None
        self.broken = False
        self.bytes = 0

    @property
    def joinable(self) -> bool:
        """Whether a new reader would get all of it."""
        return not self.broken and self._refusal is None

    @property
    def ended(self) -> bool:
        """Whether no more messages come."""
        return self._ended

    async def add(self, message: bytes) -> None:
        """Take one message; waits for the readers where there is no disk."""
        self.bytes += len(message)
        self._messages.append(message)
        self._hold(len(message))
        async with self._changed:
            self._changed.notify_all()
        if self.broken:
            await self._wait_for_readers()
        elif self._held > IN_MEMORY or self._room.held > ALL_IN_MEMORY:
            await self._put_on_disk()

    async def end(self, refusal: CallRefused | None = None) -> None:
        """Take it that there are no more messages, or that a refusal is all that comes."""
        self._ended, self._refusal = True, refusal
        async with self._changed:
            self._changed.notify_all()

    async def keep(self, key: str) -> None:
        """Keep a whole answer under `key`; that it cannot be kept is no trouble of anybody who reads it."""
        if self.broken or not self._cache.keeps:
            return
        try:
            await self._put_down()
            await self._on_disk(self._cache.keep, self._recording, key)
        except BrokenAnswerError as error:
            logger.warning("the answer of %s is not whole and is not kept: %s", self._method, error)
        except OSError as error:
            logger.warning("the answer of %s cannot be kept: %s", self._method, error)

    async def close(self) -> None:
        """Let go of it, on disk too; nobody may read it any more."""
        self._hold(-self._held)
        if self._recording is not None:
            await self._on_disk(self._recording.close)

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Yield all messages from the first on; raises the refusal that came instead of more."""
        me = self._next_reader
        self._next_reader += 1
        self._readers[me] = 0
        try:
            while True:
                at = self._readers[me]
                if at < len(self._messages):
                    yield await self._message(at)
                    self._readers[me] += 1
                    if self.broken:
                        await self._read_on()
                elif self._ended:
                    if self._refusal is not None:
                        raise self._refusal
                    return
                else:
                    await self._wait_for(at)
        finally:
            del self._readers[me]
            if self.broken:
                await self._read_on()

    async def _message(self, at: int) -> bytes:
        message = self._messages[at]
        if isinstance(message, bytes):
            return message
        if message is None or self._recording is None:
            raise RuntimeError("a message was given away before everybody had it")
        return await self._on_disk(self._recording.read, message)

    async def _wait_for(self, at: int) -> None:
        """Wait until there is a message at this place, or none comes."""
        async with self._changed:
            await self._changed.wait_for(lambda: at < len(self._messages) or self._ended)

    async def _put_on_disk(self) -> None:
        try:
            await self._put_down()
        except BrokenAnswerError as error:
            logger.warning("the answer of %s is not whole: %s", self._method, error)
            self.broken = True
        except OSError as error:
            logger.warning("the answer of %s cannot be put on disk: %s", self._method, error)
            self.broken = True

    async def _put_down(self) -> None:
        """Write what is only in memory, and hold it no longer."""
        try:
            await self._on_disk(self._record)
        finally:
            self._hold(sum(len(each) for each in self._messages if isinstance(each, bytes)) - self._held)

    def _record(self) -> None:
        self._recording = self._recording or self._cache.record(self._method)
        for at, message in enumerate(self._messages):
            if isinstance(message, bytes):
                self._messages[at] = self._recording.add(message)

    def _hold(self, more: int) -> None:
        self._held += more
        self._room.held += more

    async def _read_on(self) -> None:
        """Let go of what everybody has, and tell who waits for that."""
        slowest = min(self._readers.values(), default=len(self._messages))
        for at in range(slowest - 1, -1, -1):
            message = self._messages[at]
            if message is None:
                break
            if isinstance(message, bytes):
                self._hold(-len(message))
            self._messages[at] = None
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_readers(self) -> None:
        def near() -> bool:
            return len(self._messages) - min(self._readers.values(), default=len(self._messages)) <= AHEAD

        async with self._changed:
            await self._changed.wait_for(near)

    async def _on_disk(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *arguments)
