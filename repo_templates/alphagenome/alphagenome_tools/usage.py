"""How much of the quota is left, where the service says so in its answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import grpc

PREFIX = "labfork-quota-"


class QuotaMeter(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):  # type: ignore[misc]
    """Counts calls and keeps what the last answers said of the quota.

    A gateway says it in the metadata of an answer, under names that begin with ``labfork-quota-``, such as
    ``labfork-quota-remaining``. A service that says nothing leaves :attr:`said` empty.
    """

    def __init__(self) -> None:
        self.calls = 0
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
        with self._lock:
            self.calls += 1
        call.add_done_callback(self._ended)
        return call

    def _ended(self, call: Any) -> None:
        self.read(call.trailing_metadata() or ())

    def read(self, metadata: Iterable[tuple[str, Any]]) -> None:
        """Keep what metadata says of the quota."""
        found = {key.removeprefix(PREFIX): str(value) for key, value in metadata if key.startswith(PREFIX)}
        with self._lock:
            self.said |= found

    def __str__(self) -> str:
        return describe(self.said)


def describe(said: dict[str, str]) -> str:
    """Return a quota in words, such as ``9,960 of 10,000 calls left, until 2026-01-01``; '' for none."""
    if "remaining" not in said:
        return ""
    of = f" of {_grouped(said['limit'])}" if "limit" in said else ""
    until = f", until {said['reset']}" if "reset" in said else ""
    return f"{_grouped(said['remaining'])}{of} {said.get('unit', 'calls')} left{until}"


def _grouped(number: str) -> str:
    return f"{int(number):,}" if number.isdigit() else number


def quota(model: Any) -> str:
    """Return in words how much of the quota is left for ``model``, '' where nobody said.

    ``model`` comes from ``connect()``; what is known is what its last answer said.
    """
    meter = getattr(model, "quota_meter", None)
    return "" if meter is None else str(meter)
