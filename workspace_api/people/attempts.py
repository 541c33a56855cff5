"""How often a sign-in may fail before the next one has to wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from workspace_api.errors import LimitReachedError

WINDOW = 600.0


class SignInAttempts:
    """Counts failed sign-ins by name and by address over the last ten minutes, in memory.

    An address may fail more often than a name: a whole course can sit behind one. At most `capacity` names
    and addresses are remembered; the least recent is forgotten first.
    """

    def __init__(
        self,
        *,
        per_name: int = 10,
        per_address: int = 50,
        capacity: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = {"name": per_name, "address": per_address}
        self._capacity = capacity
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str) -> None:
        """Count an attempt as failed until `succeeded` says otherwise, so that many at once count as many.

        Raises LimitReachedError, with the wait in words, when there were too many.
        """
        with self._lock:
            wait = max(self._wait("name", name), self._wait("address", address))
            if wait <= 0:
                self._note(name, address)
        if wait > 0:
            minutes = max(1, -(-int(wait) // 60))
            raise LimitReachedError(
                f"Too many sign-ins failed for “{name[:40]}” or from your address. Wait {minutes} "
                f"minute{'s' if minutes > 1 else ''} and try again."
            )

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name whose password was given, and that its address tried."""
        with self._lock:
            self._failures.pop(("name", name), None)
            if tried := self._failures.get(("address", address)):
                tried.pop()

    def _note(self, name: str, address: str) -> None:
        for key in (("name", name), ("address", address)):
            times = self._failures.setdefault(key, deque(maxlen=self._limits[key[0]]))
            times.append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > self._capacity:
            self._failures.popitem(last=False)

    def _wait(self, kind: str, value: str) -> float:
        """Return the seconds until the oldest failure that counts has left the window."""
        times = self._failures.get((kind, value))
        if times is None or len(times) < self._limits[kind]:
            return 0.0
        return times[0] + WINDOW - self._clock()
