"""What happens to a question: is it allowed, is its answer there already, who pays, and whose turn it is."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace

import grpc

from workspace_api.alphagenome.answers import IncomingAnswer, Room
from workspace_api.alphagenome.backends import Backend, CallRefused, Errand, Question
from workspace_api.alphagenome.bookkeeping import Entry
from workspace_api.alphagenome.cache import AnswerCache, KeptAnswer
from workspace_api.alphagenome.callers import Admission, Admitted, Caller, Remembered
from workspace_api.alphagenome.flights import Flights
from workspace_api.alphagenome.ledger import Ledger, Over, Reserved, new_id
from workspace_api.alphagenome.questions import Facts, answer_key, facts_of
from workspace_api.alphagenome.quotas import Amounts, Standing, Window
from workspace_api.alphagenome.sizes import check_size, too_large
from workspace_api.alphagenome.turns import Turns
from workspace_api.database import now

LOOK_SECONDS = 0.05  # between two looks for what another gateway process is asking
LONGEST_PAUSE = 1.0  # between two looks whether a quota has begun anew: the clock may be changed meanwhile
SHORTEST_PAUSE = 0.1
NOT_CHARGED = frozenset({"refused", "failed"})


@dataclass
class Told:
    """What is told about an answer after it: where it came from, and how the caller stands."""

    answered: str = ""
    standing: Sequence[Standing] = ()


@dataclass(frozen=True)
class Rules:
    """What the desk goes by.

    `longest_wait` is in seconds; 0 bytes of `max_answer` mean no cap. With a `secret`, place and variant are
    put down as a hash that only this workspace can make.
    """

    max_answer: int
    longest_wait: float
    secret: bytes | None = None


@dataclass(frozen=True)
class Case:
    """A question with all that is known of it."""

    caller: Caller
    admitted: Admitted
    question: Question
    facts: Facts
    key: str
    seconds: float | None
    told: Told
    began: float


class Desk:
    """Answers questions, in this order of layers: terms, size, cache, flights, quota, turn, backend."""

    def __init__(
        self,
        backend: Backend,
        admission: Admission,
        cache: AnswerCache,
        ledger: Ledger,
        turns: Turns,
        disk: Executor,
        rules: Rules,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.backend = backend
        self._admit = Remembered(admission.admit)
        self._cache = cache
        self._ledger = ledger
        self._turns = turns
        self._disk = disk
        self._rules = rules
        self._clock = clock
        room = Room()
        self._flights = Flights(lambda method: IncomingAnswer(method, cache, disk, room))

    async def answer(
        self, caller: Caller, question: Question, seconds: float | None, told: Told
    ) -> AsyncGenerator[bytes, None]:
        """Yield the answer's messages, and fill in `told`; raises CallRefused."""
        facts = facts_of(question)
        admitted = await self._admit(caller)
        check_size(facts, self._rules.max_answer)
        today = self._clock().date()
        key = answer_key(question, facts, self.backend.identity, admitted.namespace, today)
        case = Case(caller, admitted, question, facts, key, seconds, told, time.monotonic())
        kept = await self._kept(key)
        messages = self._incoming(case) if kept is None else self._give(case, kept)
        async with aclosing(messages):
            async for message in messages:
                yield message

    async def landed(self) -> None:
        """Wait until nothing is under way, and all that ended well is kept."""
        await self._flights.landed()

    async def close(self) -> None:
        """Give up what is under way, and write what is still to be written."""
        await self._flights.close()
        await self._ledger.close()
        await self.backend.close()

    async def _kept(self, key: str) -> KeptAnswer | None:
        if not self._cache.keeps:
            return None
        if (recent := self._cache.recall(key)) is not None:
            return recent
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._cache.open, key)

    async def _give(self, case: Case, kept: KeptAnswer) -> AsyncGenerator[bytes, None]:
        """Give a kept answer; one that is long is read as it is taken."""
        case.told.answered, case.told.standing = "cache", self._ledger.standing(case.caller.name)
        try:
            async with aclosing(self._messages(kept)) as messages:
                async for message in messages:
                    yield message
        finally:
            kept.close()
            self._ledger.note(self._line(case, "cache", size=kept.size))

    async def _messages(self, kept: KeptAnswer) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        while True:
            message = kept.next() if kept.small else await loop.run_in_executor(self._disk, kept.next)
            if message is None:
                return
            yield message

    async def _incoming(self, case: Case) -> AsyncGenerator[bytes, None]:
        """Give the answer that is on its way, or send for it.

        Whoever sends for it pays. If that ends for a reason that is theirs alone, the next one sends for it.
        """
        while True:
            flight = self._flights.join(case.key)
            leads = flight is None
            if flight is None:
                flight = self._flights.start(
                    case.key, case.question.method.name, lambda until_kept: self._sent_for(case, until_kept)
                )
            began = False
            try:
                async with aclosing(flight.read()) as messages:
                    async for message in messages:
                        began = True
                        yield message
            except CallRefused as refusal:
                if leads or began or not refusal.personal:
                    raise
                continue
            if not leads:
                case.told.answered, case.told.standing = "shared", self._ledger.standing(case.caller.name)
                self._ledger.note(self._line(case, "shared", size=flight.answer.bytes))
            return

    async def _sent_for(self, case: Case, until_kept: ExitStack) -> AsyncGenerator[bytes, None]:
        """Send for an answer, unless another gateway process is doing so: then wait for what it keeps."""
        waited = False
        while not self._locked(case.key, until_kept):
            waited = True
            await asyncio.sleep(LOOK_SECONDS)
        kept = await self._kept(case.key) if waited else None
        messages = self._paid(case) if kept is None else self._give(case, kept)
        async with aclosing(messages):
            async for message in messages:
                yield message

    def _locked(self, key: str, until_kept: ExitStack) -> bool:
        """Hold a key's lock until the answer is kept; false where another process does."""
        with ExitStack() as attempt:
            if held := attempt.enter_context(self._cache.try_lock(key)):
                until_kept.push(attempt.pop_all())
        return held

    async def _paid(self, case: Case) -> AsyncGenerator[bytes, None]:
        """Ask the model, with quota and in turn; what was not used is given back."""
        reserved = await self._reserve(case)
        errand = Errand(case.question, case.admitted.key, case.seconds)
        answered, status, size = "given up", "", 0
        try:
            async with (
                self._turns.turn(case.caller.name, case.caller.token_id),
                aclosing(self.backend.answer(errand)) as messages,
            ):
                async for message in messages:
                    size += len(message)
                    if 0 < self._rules.max_answer < size:
                        raise too_large(size, self._rules.max_answer)
                    yield message
            answered, status = "model", "OK"
        except CallRefused as refusal:
            answered, status = "refused", refusal.status.name
            raise
        except Exception:
            answered, status = "failed", "INTERNAL"
            raise
        finally:
            charged = errand.calls > 0 and answered not in NOT_CHARGED
            used = Amounts(1, case.facts.bases, errand.calls) if charged else Amounts(0, 0, errand.calls)
            line = self._line(case, answered, size=size, status=status)
            line = replace(line, id=reserved.entry.id, at=reserved.entry.at)
            self._ledger.settle(reserved, replace(line, bases=used.bases, upstream=errand.calls), used)

    async def _reserve(self, case: Case) -> Reserved:
        """Reserve quota; a minute's that is used up is waited for, not a day's."""
        until = time.monotonic() + self._rules.longest_wait
        wanted = Amounts(1, case.facts.bases, 1)
        while True:
            result = await self._ledger.reserve(self._line(case, "asked"), wanted)
            if isinstance(result, Reserved):
                case.told.answered, case.told.standing = "model", result.standing
                return result
            refusal = _refusal(result, wanted, too_late=time.monotonic() + result.seconds > until)
            if refusal is not None:
                case.told.standing = [result.standing]
                raise refusal
            await asyncio.sleep(min(max(result.seconds, SHORTEST_PAUSE), LONGEST_PAUSE))

    def _line(self, case: Case, answered: str, *, size: int = 0, status: str = "") -> Entry:
        facts = case.facts
        return Entry(
            id=new_id(),
            at=now(),
            user=case.caller.name,
            token_id=case.caller.token_id,
            run_id=case.caller.run_id,
            backend=self.backend.name,
            method=case.question.method.name,
            subject=self._subject(facts),
            outputs=facts.output_names[:200],
            scorers=facts.scorers,
            key=case.key,
            answered=answered,
            status=status or ("OK" if answered in ("cache", "shared") else ""),
            bytes=size,
            milliseconds=round(1000 * (time.monotonic() - case.began)),
        )

    def _subject(self, facts: Facts) -> str:
        words = " ".join(filter(None, (facts.place, facts.variant)))
        if self._rules.secret is None or not words:
            return words[:200]
        return "#" + hmac.new(self._rules.secret, words.encode(), hashlib.sha256).hexdigest()[:24]


def _refusal(over: Over, wanted: Amounts, *, too_late: bool) -> CallRefused | None:
    """Return why a call over a quota is refused; None where it should wait until the next minute."""
    standing = over.standing
    words = f"{standing.words}. Whoever administers the workspace can raise it."
    if wanted.of(standing.measure) > standing.amount:
        words = (
            f"This call needs {wanted.of(standing.measure):,} {standing.measure}, more than a whole "
            f"{standing.window}'s quota of {standing.amount:,}. Ask for a shorter interval, or an "
            "administrator for more."
        )
        return CallRefused(grpc.StatusCode.PERMISSION_DENIED, f"Quota: {words}", personal=True)
    if standing.window is Window.DAY:
        return CallRefused(grpc.StatusCode.PERMISSION_DENIED, f"Quota: {words}", personal=True)
    if too_late:
        return CallRefused(grpc.StatusCode.RESOURCE_EXHAUSTED, f"Quota: {words}", personal=True)
    return None
