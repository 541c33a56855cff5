"""How much of the quota is left, where the service says so in its answers."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import grpc

REMAINING, WARNING, ANSWERED = "x-labfork-remaining", "x-labfork-warning", "x-labfork-answered"
# What a workspace's gateway writes of each quota: ``person calls/day=9960 of 10000``.
STANDING = re.compile(r"(?P<kind>\w+) (?P<measure>\w+)/(?P<window>\w+)=(?P<left>\d+) of (?P<amount>\d+)")
WHOSE = {"person": "", "each": "", "group": " of your group", "workspace": " of the workspace"}
MEASURES = {"calls": "calls", "bases": "bases", "upstream": "calls of the service"}
FROM_CACHE = ("cache", "shared")


class QuotaMeter(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):  # type: ignore[misc]
    """Counts answers and keeps what the last of them said of the quota.

    A workspace's gateway says it in the metadata after an answer. A service that says nothing leaves
    :attr:`said` empty.
    """

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.said: dict[str, str] = {}
        self._lock = threading.Lock()

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """Watch a call with one answer."""
        return self._watched(continuation(details, request))

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """Watch a call with many answers."""
        return self._watched(continuation(details, request))

    def intercept_stream_stream(self, continuation: Callable[..., Any], details: Any, requests: Any) -> Any:
        """Watch a call with many questions and answers."""
        return self._watched(continuation(details, requests))

    def _watched(self, call: Any) -> Any:
        call.add_done_callback(self._ended)
        return call

    def _ended(self, call: Any) -> None:
        self.read(call.trailing_metadata() or ())

    def read(self, metadata: Iterable[tuple[str, Any]]) -> None:
        """Keep what the metadata after an answer says."""
        found = {key: str(value) for key, value in metadata if key in (REMAINING, WARNING, ANSWERED)}
        if not found:
            return
        with self._lock:
            self.answers[found.get(ANSWERED, "model")] += 1
            self.said = found

    def __str__(self) -> str:
        cached = sum(self.answers[name] for name in FROM_CACHE)
        parts = [*standings(self.said.get(REMAINING, "")), self.said.get(WARNING, "")]
        parts += [f"{cached:,} of {self.answers.total():,} answers from the team's cache"] if cached else []
        return "; ".join(part for part in parts if part)


def standings(text: str) -> list[str]:
    """Return each quota in words, such as ``9,960 of 10,000 calls a day left``; [] for none."""
    return [
        f"{int(one['left']):,} of {int(one['amount']):,} {MEASURES.get(one['measure'], one['measure'])} "
        f"a {one['window']}{WHOSE.get(one['kind'], '')} left"
        for one in STANDING.finditer(text)
    ]


def quota(model: Any) -> str:
    """Return in words how much of the quota is left for ``model``, '' where nobody said.

    ``model`` comes from ``connect()``; what is known is what its last answer said.
    """
    meter = getattr(model, "quota_meter", None)
    return "" if meter is None else str(meter)
