"""The gateway's book, written by two gateways at once."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from tests.databases import make_database
from workspace_api.alphagenome.bookkeeping import Entry
from workspace_api.alphagenome.ledger import Ledger, new_id
from workspace_api.alphagenome.models import AlphaGenomeCounter, AlphaGenomeQuota
from workspace_api.alphagenome.quotas import Amounts, Kind, Measure, Window
from workspace_api.database import Database, now

PEOPLE = [f"p{number}" for number in range(40)]
AMOUNT, ROUNDS = 5, 30
PROCESSES = multiprocessing.get_context("spawn")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> str:
    """Where two gateways keep one book."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    url = f"sqlite:///{tmp_path / 'database.sqlite'}"
    make_database(url)
    return url


def entry(user: str) -> Entry:
    return Entry(
        id=new_id(),
        at=now(),
        user=user,
        token_id="1",
        run_id=None,
        backend="synthetic",
        method="PredictVariant",
        subject="",
        outputs="",
        scorers=0,
        key="",
    )


async def spend(ledger: Ledger, people: list[str]) -> None:
    """Ask for everybody once more than they may have, one after the other."""
    for user in people:
        for _ in range(AMOUNT + 1):
            await ledger.reserve(entry(user), Amounts(calls=1))


async def note(ledger: Ledger, people: list[str]) -> None:
    """Put down many answers of the cache, of everybody at once."""
    for _ in range(ROUNDS):
        for user in people:
            ledger.note(entry(user))
        await ledger.reserve(entry("somebody"), Amounts())


Does = Callable[[Ledger, list[str]], Coroutine[Any, Any, None]]


def gateway(url: str, does: Does, people: list[str], both: Barrier) -> None:
    async def work() -> None:
        ledger = Ledger(database, keep_days=400)
        ledger.start()
        both.wait(60)
        await does(ledger, people)
        await ledger.close()

    database = Database(url)
    asyncio.run(work())
    database.close()


def two_gateways(url: str, does: Does, *orders: list[str]) -> dict[str, AlphaGenomeCounter]:
    """Have two gateways do something, for people in these orders, and return what everybody used today."""
    both = PROCESSES.Barrier(2)
    gateways = [PROCESSES.Process(target=gateway, args=(url, does, each, both)) for each in orders]
    for each in gateways:
        each.start()
    for each in gateways:
        each.join()
    assert [each.exitcode for each in gateways] == [0, 0]
    database = Database(url)
    table = AlphaGenomeCounter
    with database.read() as session:
        rows = session.scalars(select(table).where(table.kind == Kind.PERSON, table.period == Window.DAY))
        found = {row.name: row for row in rows}
    database.close()
    return found


def test_two_gateways_together_give_nobody_more_than_their_quota(database_url):
    database = Database(database_url)
    quota = {"kind": Kind.EACH, "name": "", "measure": Measure.CALLS, "period": Window.DAY}
    with database.write() as session:
        session.add(AlphaGenomeQuota(**quota, amount=AMOUNT))
    database.close()
    used = two_gateways(database_url, spend, PEOPLE, PEOPLE)

    assert {name: row.calls for name, row in used.items()} == dict.fromkeys(PEOPLE, AMOUNT)


def test_two_gateways_put_down_all_that_both_answered_in_whatever_order(database_url):
    used = two_gateways(database_url, note, PEOPLE, PEOPLE[::-1])

    assert {name: used[name].cached for name in PEOPLE} == dict.fromkeys(PEOPLE, 2 * ROUNDS)
