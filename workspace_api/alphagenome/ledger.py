"""The gateway's book: what is used is reserved before the model is asked, and put right afterwards."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workspace_api.alphagenome.bookkeeping import Entry, Page
from workspace_api.alphagenome.quotas import Amounts, Standing, Window, exceeded
from workspace_api.database import Database

logger = logging.getLogger(__name__)
LONGEST_BATCH = 200
LEFT_SECONDS = 0.05  # after which what nobody waits for is written at the latest
PRUNE_SECONDS = 3600.0


@dataclass(frozen=True)
class Reserved:
    """What was put down for a call that is about to be asked: where, how much, and how its account stands."""

    entry: Entry
    amounts: Amounts
    moment: dt.datetime
    standing: Sequence[Standing]


@dataclass(frozen=True)
class Over:
    """A quota that a call would exceed at a moment; nothing was put down."""

    standing: Standing
    moment: dt.datetime

    @property
    def seconds(self) -> float:
        """How long it takes until the quota begins anew."""
        return (self.standing.resets_at - self.moment).total_seconds()


@dataclass
class _Wish:
    """Something to be written, and who waits until it is."""

    work: Callable[[Page], object]
    done: asyncio.Future[object] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ledger:
    """Writes to the database in batches: whatever is asked for while one is being written makes the next.

    What nobody waits for goes with the next that somebody does, or a moment later. Thereby a thousand small
    calls a second cost a few transactions, and several gateways can share a book.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep_days: int,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._database = database
        self._keep_days = keep_days
        self._clock = clock
        self._wishes: list[_Wish] = []
        self._wanted = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._standing: dict[str, Sequence[Standing]] = {}

    def start(self) -> None:
        """Begin writing."""
        self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what is left, and stop."""
        if self._writing is not None:
            await self._ask(lambda page: None)
            self._writing.cancel()

    async def reserve(self, entry: Entry, wanted: Amounts) -> Reserved | Over:
        """Put down a call that is about to be asked, unless a quota would be exceeded."""

        def work(page: Page) -> Reserved | Over:
            standing = page.standing(entry.user)
            over = exceeded(standing, wanted)
            if over is not None:
                return Over(over, page.moment)
            page.count(entry.user, wanted, page.moment)
            page.insert(entry)
            return Reserved(entry, wanted, page.moment, page.standing(entry.user))

        result = await self._ask(work)
        assert isinstance(result, Reserved | Over)  # noqa: S101 - what `work` returns
        standing = [result.standing] if isinstance(result, Over) else result.standing
        self._standing[entry.user] = standing
        return result

    def settle(self, reserved: Reserved, entry: Entry, used: Amounts) -> None:
        """Put a reservation right: what was used counts, the rest is given back where it was taken."""
        change = Amounts(
            *(
                getattr(used, name) - getattr(reserved.amounts, name)
                for name in ("calls", "bases", "upstream")
            )
        )

        def work(page: Page) -> None:
            page.count(entry.user, change, reserved.moment)
            page.update(entry)

        self._leave(work)

    def note(self, entry: Entry) -> None:
        """Put down a call for which the model was not asked: it costs nothing, and is counted apart."""

        def work(page: Page) -> None:
            page.count(entry.user, Amounts(), page.moment, cached=1)
            page.insert(entry)

        self._leave(work)

    def standing(self, user: str) -> Sequence[Standing]:
        """Return how somebody stood at their last call that was reserved, with the quotas of that time.

        A quota that has begun anew since, or whose time the clock has not come to again, is left out.
        """
        at = self._clock()
        return [each for each in self._standing.get(user, ()) if each.resets_at == each.window.end(at)]

    async def _ask(self, work: Callable[[Page], object]) -> object:
        wish = _Wish(work)
        self._wishes.append(wish)
        self._wanted.set()
        return await wish.done

    def _leave(self, work: Callable[[Page], object]) -> None:
        """Have something written for which nobody waits; that it cannot be is said in the log."""
        wish = _Wish(work)
        wish.done.add_done_callback(_say)
        self._wishes.append(wish)
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(LEFT_SECONDS, self._wanted.set)

    async def _write(self) -> None:
        pruned = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            if self._later is not None:
                self._later.cancel()
                self._later = None
            batch, self._wishes = self._wishes[:LONGEST_BATCH], self._wishes[LONGEST_BATCH:]
            if not self._wishes:
                self._wanted.clear()
            prune = loop.time() - pruned > PRUNE_SECONDS
            try:
                results = await asyncio.to_thread(self._commit, [wish.work for wish in batch], prune)
            except Exception as error:  # noqa: BLE001 - told to everybody who waits for it
                for wish in batch:
                    if not wish.done.done():
                        wish.done.set_exception(error)
                continue
            pruned = loop.time() if prune else pruned
            for wish, result in zip(batch, results, strict=True):
                if not wish.done.done():
                    wish.done.set_result(result)

    def _commit(self, batch: Sequence[Callable[[Page], object]], prune: bool) -> list[object]:
        with self._database.write() as session:
            page = Page(session.connection(), self._clock())
            results = [work(page) for work in batch]
            page.write()
            if prune:
                page.prune(self._keep_days)
        return results


def _say(done: asyncio.Future[object]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.error("a call could not be put down: %s", error)


def new_id() -> str:
    """Return the id of a call."""
    return secrets.token_hex(12)


__all__ = ["Ledger", "Over", "Reserved", "Window", "new_id"]
