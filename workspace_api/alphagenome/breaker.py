"""Stops asking a service that does not answer, and tries it again after a while."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc

from workspace_api.alphagenome.backends import CallRefused

FAILURES = 6  # in a row, after which nobody is let through
SECONDS = 10.0
LONGEST = 60.0


class Breaker:
    """Counts failures in a row. Open, it refuses at once; then one call is let through to try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = SECONDS
        self._until = 0.0

    def check(self) -> None:
        """Let a call through, or refuse it with UNAVAILABLE and the time at which one is tried again."""
        left = self._until - self._clock()
        if left > 0:
            raise CallRefused(
                grpc.StatusCode.UNAVAILABLE,
                f"AlphaGenome: not available now; it is tried again in {left:.0f} s. Try again in a minute.",
            )
        if self._failures >= FAILURES:  # this call tries it; the others wait for what it hears
            self._until = self._clock() + self._pause

    def worked(self) -> None:
        """Take it that a call was answered."""
        self._failures, self._pause, self._until = 0, SECONDS, 0.0

    def failed(self) -> None:
        """Take it that the service did not answer."""
        self._failures += 1
        if self._failures == FAILURES:
            self._until = self._clock() + self._pause
        elif self._failures > FAILURES:
            self._pause = min(2 * self._pause, LONGEST)
            self._until = self._clock() + self._pause
