"""Who may call the gateway, and with what."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

REMEMBERED_SECONDS = 1.0
Asked = TypeVar("Asked", bound=Hashable)
Granted = TypeVar("Granted")


@dataclass(frozen=True)
class Caller:
    """The account and token that stand behind a call.

    `run_id` is that of the run that carries the token; `system` says that the account is the workspace's own,
    in whose name visitors run worksheets.
    """

    name: str
    token_id: str
    run_id: str | None = None
    system: bool = False


@dataclass(frozen=True)
class Admitted:
    """What a caller asks with: the key of their own, or None for the model that the workspace offers.

    Answers are kept apart by `namespace`: those that were asked for with somebody's own key are theirs alone.
    """

    namespace: str = ""
    key: str | None = None


class TokenVerifier(Protocol):
    """Knows the personal tokens."""

    async def verify(self, token: str) -> Caller | None:
        """Return who `token` stands for, None for one that is unknown, expired, revoked or too narrow."""


class Admission(Protocol):
    """Knows who has agreed to what."""

    async def admit(self, caller: Caller) -> Admitted:
        """Return what a caller asks with; refuses with PERMISSION_DENIED who must agree to something."""


class OpenToAll:
    """Lets everybody who has a token ask the offline model, which has no terms."""

    async def admit(self, caller: Caller) -> Admitted:
        """Let them in."""
        return Admitted()


class Remembered(Generic[Asked, Granted]):
    """Asks, and remembers for a second what was granted: a batch asks hundreds of times a second.

    So what is taken back counts a second later, while what is refused (None, or a refusal) is never
    remembered: what is given counts at once.
    """

    def __init__(
        self,
        ask: Callable[[Asked], Awaitable[Granted]],
        seconds: float = REMEMBERED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._granted: dict[Asked, tuple[float, Granted]] = {}

    async def __call__(self, asked: Asked) -> Granted:
        """Return what is granted; raises what asking raises."""
        began = self._clock()
        known = self._granted.get(asked)
        if known is not None and began < known[0]:
            return known[1]
        granted = await self._ask(asked)
        now = self._clock()
        self._granted = {each: value for each, value in self._granted.items() if value[0] > now}
        if granted is not None:
            self._granted[asked] = (began + self._seconds, granted)
        return granted
