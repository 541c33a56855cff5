"""When a quota begins anew, also where the machine's clock is set forward or back about that moment."""

from __future__ import annotations

import asyncio
import datetime as dt

import grpc
import pytest
from alphagenome.protos.v1 import dna_model_pb2 as pb

from tests.alphagenome.bench_desk import BEN, ROOT, WIDE, Bench, run, service, variant
from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.callers import Caller, Remembered
from workspace_api.alphagenome.desk import Told
from workspace_api.alphagenome.quotas import Kind, Measure, Window

EVENING = dt.datetime(2026, 12, 31, 23, 59, 30, tzinfo=dt.UTC)
MORNING = EVENING + dt.timedelta(minutes=1)
BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("window", "moment", "start", "end"),
    [
        (Window.MINUTE, EVENING, "2026-12-31 23:59", "2027-01-01 00:00"),
        (Window.DAY, EVENING, "2026-12-31 00:00", "2027-01-01 00:00"),
        (Window.DAY, MORNING, "2027-01-01 00:00", "2027-01-02 00:00"),
        (Window.DAY, MORNING.replace(minute=0, second=0), "2027-01-01 00:00", "2027-01-02 00:00"),
        (Window.DAY, EVENING.astimezone(BERLIN), "2026-12-31 00:00", "2027-01-01 00:00"),
    ],
)
def test_windows_are_those_of_utc_and_a_new_one_begins_where_the_last_one_ends(window, moment, start, end):
    assert f"{window.start(moment):%Y-%m-%d %H:%M}" == start
    assert f"{window.end(moment):%Y-%m-%d %H:%M}" == end


async def refusal_of(bench: Bench, **question) -> CallRefused:
    """Ask what is not kept, and return how it is refused."""
    with pytest.raises(CallRefused) as told:
        await bench.ask(variant(**question or WIDE))
    return told.value


def test_a_days_quota_begins_anew_with_the_day_and_is_used_up_again_where_the_clock_is_set_back(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.DAY, 1)
            bench.set_clock(EVENING)
            await bench.ask()
            assert "begins anew at 2027-01-01 00:00 UTC" in (await refusal_of(bench)).message

            bench.set_clock(MORNING)
            assert await bench.where_from(variant(**WIDE)) == "model"

            bench.set_clock(EVENING)
            refusal = await refusal_of(bench, requested_outputs=[pb.OUTPUT_TYPE_ATAC])
            assert refusal.status is grpc.StatusCode.PERMISSION_DENIED
            assert "1 of 1 calls a day" in refusal.message
            assert "begins anew at 2027-01-01 00:00 UTC" in refusal.message

    run(work)


async def waiting_for_the_next_minute(bench: Bench, clock: dt.datetime) -> asyncio.Task:
    """Have somebody use up their one call a minute at this time, and ask for another."""
    service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.MINUTE, 1)
    bench.set_clock(clock)
    await bench.ask()
    waiting = asyncio.create_task(bench.ask(variant(**WIDE)))
    await asyncio.sleep(0.2)
    return waiting


def test_who_waits_for_the_next_minute_goes_on_when_the_clock_is_set_forward(home):
    async def work():
        async with Bench(home, longest_wait=100) as bench:
            waiting = await waiting_for_the_next_minute(bench, EVENING.replace(second=1))
            assert not waiting.done()

            bench.set_clock(MORNING)
            async with asyncio.timeout(20):  # far less than the 59 s that were left
                assert await waiting

    run(work)


def test_who_waits_for_the_next_minute_is_refused_in_time_when_the_clock_is_set_back(home):
    async def work():
        async with Bench(home, longest_wait=40) as bench:
            waiting = await waiting_for_the_next_minute(bench, EVENING)

            bench.set_clock(EVENING.replace(second=0))  # now a minute is left again: longer than it may wait
            async with asyncio.timeout(20):
                with pytest.raises(CallRefused) as told:
                    await waiting
            assert told.value.status is grpc.StatusCode.RESOURCE_EXHAUSTED

    run(work)


def test_what_is_not_used_is_given_back_to_the_day_from_which_it_was_taken(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.DAY, 1)
            bench.set_clock(EVENING)
            bench.backend.gate.clear()
            bench.backend.refusal_after_gate = CallRefused(
                grpc.StatusCode.INVALID_ARGUMENT, "AlphaGenome: no"
            )
            refused = asyncio.create_task(refusal_of(bench))
            while not bench.backend.asked:
                await asyncio.sleep(0.01)
            bench.set_clock(MORNING)
            bench.backend.gate.set()
            assert (await refused).status is grpc.StatusCode.INVALID_ARGUMENT

            # Neither day has lost a call, and neither has won one.
            for clock, output in ((EVENING, pb.OUTPUT_TYPE_ATAC), (MORNING, pb.OUTPUT_TYPE_CAGE)):
                bench.set_clock(clock)
                told = Told()
                await bench.ask(variant(requested_outputs=[output]), told=told)
                assert [each.used for each in told.standing] == [1]

    run(work)


def test_how_somebody_stood_is_told_no_more_when_the_quota_has_begun_anew(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.DAY, 1)
            bench.set_clock(EVENING)
            await bench.ask()
            await bench.desk.landed()
            told = Told()
            await bench.ask(told=told)
            assert [each.used for each in told.standing] == [1]

            bench.set_clock(MORNING)
            told = Told()
            await bench.ask(told=told)
            assert (told.answered, list(told.standing)) == ("cache", [])

    run(work)


def test_what_is_granted_is_remembered_for_a_second_and_what_is_refused_never():
    async def work():
        asked, answers, seconds = [], [None, BEN, None], 0.0

        async def ask(token: str) -> Caller | None:
            asked.append(token)
            return answers[len(asked) - 1]

        remembered = Remembered(ask, clock=lambda: seconds)
        assert await remembered("token") is None
        assert await remembered("token") == BEN  # given meanwhile
        seconds = 0.9
        assert await remembered("token") == BEN
        assert len(asked) == 2
        seconds = 1.0
        assert await remembered("token") is None  # taken back meanwhile

    run(work)
