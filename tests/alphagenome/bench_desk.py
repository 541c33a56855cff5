"""A desk in this process: the real layers, a real database and cache, before a backend that counts."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2

from auth.identity import Identity, Level
from tests.alphagenome.test_refusals import question
from workspace_api.alphagenome.agreements import key_seal
from workspace_api.alphagenome.backends import METHODS, CallRefused, Errand, Question
from workspace_api.alphagenome.cache import AnswerCache
from workspace_api.alphagenome.callers import Caller, OpenToAll
from workspace_api.alphagenome.desk import Desk, Rules, Told
from workspace_api.alphagenome.ledger import Ledger
from workspace_api.alphagenome.offline.backend import OfflineBackend
from workspace_api.alphagenome.service import AlphaGenomeService
from workspace_api.alphagenome.turns import Turns
from workspace_api.database import Database
from workspace_api.settings import AlphaGenomeSettings

ADA, BEN = Caller("ada", "1"), Caller("ben", "2")
ROOT = Identity(user="root", level=Level.DEVELOPER, admin=True)
WIDE = {"interval": pb.Interval(chromosome="chr22", start=36_136_162, end=36_267_234)}
ANY_SIZE = 10_000_000_000


class Counted:
    """The offline model, with how often it was asked; while `gate` is closed no answer begins.

    The next calls are refused by `refusals`, one each, or by `refusal_after_gate`, once it is open.
    """

    name = "synthetic"

    def __init__(self, identity: str = "one model") -> None:
        self.identity = identity
        self.asked: list[str] = []
        self.given_up = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusals: list[CallRefused] = []
        self.refusal_after_gate: CallRefused | None = None
        self._model = OfflineBackend(ANY_SIZE)

    async def answer(self, errand: Errand) -> AsyncGenerator[bytes, None]:
        self.asked.append(errand.question.method.name)
        errand.calls += 1
        if self.refusals:
            raise self.refusals.pop(0)
        ended = False
        try:
            await self.gate.wait()
            if self.refusal_after_gate is not None:
                refusal, self.refusal_after_gate = self.refusal_after_gate, None
                raise refusal
            async with aclosing(self._model.answer(Errand(errand.question))) as messages:
                async for message in messages:
                    yield message
            ended = True
        finally:
            self.given_up += not ended

    async def close(self) -> None:
        await self._model.close()


class Bench:
    """A desk with what stands around it; `async with` closes it."""

    def __init__(self, home: Path, **more) -> None:
        self.backend = more.pop("backend", None) or Counted()
        self.database = Database(f"sqlite:///{home / 'database.sqlite'}")
        self.folder = more.pop("folder", home / "cache")
        self.cache = AnswerCache(self.folder, more.pop("cache_bytes", 10**9), 30)
        self.later = dt.timedelta()
        self.disk = ThreadPoolExecutor(2)
        self.ledger = Ledger(self.database, keep_days=400, clock=self.clock)
        self.desk = Desk(
            self.backend,
            more.pop("admission", OpenToAll()),
            self.cache,
            self.ledger,
            Turns(more.pop("at_once", 4), 30),
            self.disk,
            Rules(more.pop("max_answer", 0), more.pop("longest_wait", 30), more.pop("secret", None)),
            self.clock,
        )
        assert not more, more

    def clock(self) -> dt.datetime:
        """The gateway's clock: the machine's, changed by `later`."""
        return dt.datetime.now(dt.UTC) + self.later

    def set_clock(self, moment: dt.datetime) -> None:
        """Change the clock; it goes on from there."""
        self.later = moment - dt.datetime.now(dt.UTC)

    async def __aenter__(self) -> Bench:
        self.ledger.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.desk.close()
        self.disk.shutdown()
        self.database.close()

    async def ask(
        self, asked: Question | None = None, caller: Caller = ADA, told: Told | None = None
    ) -> list[bytes]:
        """Return the whole answer to a question."""
        messages = self.desk.answer(caller, asked or variant(), None, told or Told())
        async with aclosing(messages):
            return [message async for message in messages]

    async def where_from(self, asked: Question | None = None, caller: Caller = ADA) -> str:
        """Return where the answer to a question came from, once earlier ones are kept."""
        await self.desk.landed()
        told = Told()
        await self.ask(asked, caller, told)
        return told.answered


def service(bench: Bench) -> AlphaGenomeService:
    """Where quotas are set."""
    return AlphaGenomeService(bench.database, key_seal("a secret"), AlphaGenomeSettings())


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def variant(**changes) -> Question:
    """A question about a variant."""
    return Question(METHODS["PredictVariant"], question(**changes).SerializeToString())


def metadata() -> Question:
    """A question for the tracks."""
    return Question(METHODS["GetMetadata"], dna_model_service_pb2.MetadataRequest().SerializeToString())
