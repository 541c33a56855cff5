"""Remembers answers for a few seconds, so that many visitors at once ask the database once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from fastapi import Request

Value = TypeVar("Value")
MOST = 1_000


class Memory(Generic[Value]):
    """Answers by key, each for `seconds`; forgets everything rather than grow beyond a thousand."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[Hashable, tuple[float, Value]] = {}
        self._lock = threading.Lock()

    def forget(self, key: Hashable) -> None:
        """Have the answer for `key` asked anew."""
        with self._lock:
            self._known.pop(key, None)

    def get(self, key: Hashable, ask: Callable[[], Value]) -> Value:
        """Return the answer for `key`, by `ask` where none is remembered."""
        now = self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        value = ask()
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (now + self._seconds, value)
        return value


class Remembered:
    """A dependency of pages: what the application that serves a request remembers of one thing."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds

    def __call__(self, request: Request) -> Memory[Any]:
        """Return the memory, the same for every request to one application."""
        memories: dict[str, Memory[Any]] = request.app.state.memories
        return memories.setdefault(self._what, Memory(self._seconds))
