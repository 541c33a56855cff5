"""The gateway's layers together: what is asked once, who pays for it, and what is kept."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import threading
from contextlib import aclosing

import grpc
import pytest
from alphagenome.protos.v1 import dna_model_pb2 as pb

from auth.identity import Identity, Level
from tests.alphagenome.bench_desk import ADA, BEN, ROOT, WIDE, Bench, Counted, metadata, run, service, variant
from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.callers import Admitted, Caller
from workspace_api.alphagenome.desk import LOOK_SECONDS, Told
from workspace_api.alphagenome.quotas import Kind, Measure, Window
from workspace_api.alphagenome.usage import UsageService

BASES = 2 * 16_384


async def used(bench: Bench, user: str = "ada"):
    """Return somebody's use today, once all is written."""
    await bench.ledger._ask(lambda page: None)
    return UsageService(bench.database).of(ROOT, user).today


def lines(bench: Bench, user: str = "ada") -> list[list[str]]:
    who = Identity(user=user, level=Level.DEVELOPER)
    text = "".join(UsageService(bench.database).log(who))
    return [line.split("\t") for line in text.splitlines()[1:]]


def test_the_same_question_is_asked_once_and_answered_alike(home):
    async def work():
        async with Bench(home) as bench:
            first = await bench.ask()
            again = await bench.ask(caller=BEN)

            assert first == again
            assert len(bench.backend.asked) == 1
            today = await used(bench)
            assert (today.calls, today.cached, today.bases, today.upstream) == (1, 0, BASES, 1)
            today = await used(bench, "ben")
            assert (today.calls, today.cached, today.bases) == (0, 1, 0)

    run(work)


def test_the_same_question_in_another_order_is_the_same(home):
    both = [pb.OUTPUT_TYPE_DNASE, pb.OUTPUT_TYPE_ATAC]

    async def work():
        async with Bench(home) as bench:
            await bench.ask(variant(requested_outputs=both))

            assert await bench.where_from(variant(requested_outputs=both[::-1] + both)) == "cache"
            assert await bench.where_from(variant(requested_outputs=both[:1])) == "model"

    run(work)


def test_twenty_who_ask_at_once_ask_once(home):
    async def work():
        async with Bench(home) as bench:
            bench.backend.gate.clear()
            asking = [asyncio.create_task(bench.ask(caller=Caller("ben", str(n)))) for n in range(20)]
            while not bench.backend.asked:
                await asyncio.sleep(0.01)
            bench.backend.gate.set()
            answers = await asyncio.gather(*asking)

            assert len(bench.backend.asked) == 1
            assert all(answer == answers[0] for answer in answers)
            today = await used(bench, "ben")
            assert (today.calls, today.cached) == (1, 19)

    run(work)


def test_what_another_gateway_has_asked_and_has_still_to_keep_is_not_asked_again(home):
    async def work():
        async with Bench(home) as one, Bench(home) as other:
            on_disk, keep = threading.Event(), one.cache.keep

            def slowly(*answer):
                on_disk.wait(30)
                keep(*answer)

            one.cache.keep = slowly
            first = await one.ask()
            second = asyncio.create_task(other.ask(caller=BEN))
            await asyncio.sleep(3 * LOOK_SECONDS)
            on_disk.set()

            assert await second == first
            assert (len(one.backend.asked), len(other.backend.asked)) == (1, 0)

    run(work)


def test_whoever_asked_first_may_leave_without_ending_it_for_the_others(home):
    async def work():
        async with Bench(home) as bench:
            bench.backend.gate.clear()
            first = asyncio.create_task(bench.ask())
            while not bench.backend.asked:
                await asyncio.sleep(0.01)
            second = asyncio.create_task(bench.ask(caller=BEN))
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            bench.backend.gate.set()

            assert await second
            assert len(bench.backend.asked) == 1

    run(work)


def test_when_everybody_has_left_the_model_is_told_and_nothing_is_kept(home):
    async def work():
        async with Bench(home) as bench:
            bench.backend.gate.clear()
            asking = [asyncio.create_task(bench.ask(caller=who)) for who in (ADA, BEN)]
            while not bench.backend.asked:
                await asyncio.sleep(0.01)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            while not bench.backend.given_up:
                await asyncio.sleep(0.01)
            bench.backend.gate.set()

            assert bench.backend.given_up == 1
            await used(bench)
            assert [line[5] for line in lines(bench)] == ["given up"]
            assert await bench.where_from() == "model"

    run(work)


def test_who_leaves_in_the_middle_of_a_long_answer_leaves_nothing_behind(home):
    async def work():
        async with Bench(home) as bench:
            messages = bench.desk.answer(ADA, variant(**WIDE), None, Told())
            async with aclosing(messages):
                await anext(messages)
            await bench.desk.landed()

            assert list((bench.folder / "parts").iterdir()) == []
            assert list((bench.folder / "locks").iterdir()) == []

    run(work)


def test_answers_of_one_model_are_never_given_for_another(home):
    async def work():
        async with Bench(home, backend=Counted("alphagenome")) as real:
            await real.ask()
        async with Bench(home, backend=Counted("synthetic")) as offline:
            assert await offline.where_from() == "model"
        async with Bench(home, backend=Counted("alphagenome")) as real:
            assert await real.where_from() == "cache"

    run(work)


class EveryoneTheirOwn:
    """Lets everybody ask with a key of their own."""

    async def admit(self, caller: Caller) -> Admitted:
        return Admitted(f"user {caller.name}", f"key of {caller.name}")


def test_answers_to_ones_own_key_are_ones_own(home):
    async def work():
        async with Bench(home, admission=EveryoneTheirOwn()) as bench:
            await bench.ask()

            assert await bench.where_from(caller=BEN) == "model"
            assert await bench.where_from() == "cache"

    run(work)


def test_metadata_are_kept_for_a_day_and_predictions_for_longer(home):
    async def work():
        async with Bench(home) as bench:
            await bench.ask(metadata())
            await bench.ask()
            assert await bench.where_from(metadata()) == "cache"

            bench.later = dt.timedelta(days=1)
            assert await bench.where_from(metadata()) == "model"
            assert await bench.where_from() == "cache"

    run(work)


def test_an_answer_that_was_damaged_is_asked_for_again(home):
    async def work():
        async with Bench(home) as bench:
            whole = await bench.ask()
            await bench.desk.landed()
            (kept,) = bench.folder.glob("??/*")
            content = bytearray(kept.read_bytes())
            content[len(content) // 2] ^= 1
            kept.write_bytes(content)

            assert await bench.ask() == whole
            assert len(bench.backend.asked) == 2
            assert await bench.where_from() == "cache"

    run(work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_fills_while_an_answer_is_stored_does_not_fail_the_answer(home):
    small = home / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", small], check=True)
    wide = variant(ontology_terms=[])

    async def work():
        async with Bench(home) as roomy:
            whole = await roomy.ask(wide)
        async with Bench(home, folder=small / "cache") as bench:
            assert await bench.ask(wide) == whole
            both = await asyncio.gather(bench.ask(wide), bench.ask(wide, BEN))
            assert both == [whole, whole]
            assert list((small / "cache").glob("??/*")) == []

    try:
        run(work)
    finally:
        subprocess.run(["umount", small], check=True)


def test_over_a_days_quota_a_call_is_refused_with_what_was_used_and_when_it_begins_anew(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.DAY, 1)
            await bench.ask()
            with pytest.raises(CallRefused) as told:
                await bench.ask(variant(**WIDE))

            assert told.value.status is grpc.StatusCode.PERMISSION_DENIED
            assert "1 of 1 calls a day of your quota are used" in told.value.message
            assert "00:00 UTC" in told.value.message
            assert await bench.where_from() == "cache"  # what is kept costs nothing
            assert await bench.where_from(variant(**WIDE), BEN) == "model"  # and others have theirs
            assert (await used(bench)).calls == 1

    run(work)


def test_a_persons_quota_takes_the_place_of_everybodys(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.CALLS, Window.DAY, 0)
            service(bench).set_quota(ROOT, Kind.PERSON, "ada", Measure.CALLS, Window.DAY, 5)

            assert await bench.where_from() == "model"
            with pytest.raises(CallRefused):
                await bench.ask(variant(**WIDE), BEN)

    run(work)


def test_a_call_that_needs_more_than_a_whole_quota_is_told_so_at_once(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.WORKSPACE, "", Measure.BASES, Window.MINUTE, 1000)
            with pytest.raises(CallRefused) as told:
                await bench.ask()

            assert told.value.status is grpc.StatusCode.PERMISSION_DENIED
            assert f"needs {BASES:,} bases" in told.value.message
            assert bench.backend.asked == []

    run(work)


def test_over_a_minutes_quota_a_call_waits_and_is_refused_as_passing_where_that_takes_too_long(home):
    async def work():
        async with Bench(home, longest_wait=0) as bench:
            service(bench).set_quota(ROOT, Kind.PERSON, "ada", Measure.CALLS, Window.MINUTE, 1)
            await bench.ask()
            with pytest.raises(CallRefused) as told:
                await bench.ask(variant(**WIDE))

            assert told.value.status is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "1 of 1 calls a minute" in told.value.message

    run(work)


def test_somebody_who_waits_for_an_answer_is_not_refused_for_anothers_quota(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.PERSON, "ada", Measure.CALLS, Window.DAY, 0)
            refused, answered = await asyncio.gather(
                bench.ask(), bench.where_from(caller=BEN), return_exceptions=True
            )

            assert isinstance(refused, CallRefused)
            assert answered == "model"

    run(work)


def test_what_was_refused_is_given_back(home):
    async def work():
        async with Bench(home) as bench:
            refusal = CallRefused(grpc.StatusCode.INVALID_ARGUMENT, "AlphaGenome: no")
            bench.backend.refusals.append(refusal)
            with pytest.raises(CallRefused):
                await bench.ask()

            today = await used(bench)
            assert (today.calls, today.bases, today.upstream) == (0, 0, 1)
            assert [line[5:7] for line in lines(bench)] == [["refused", "INVALID_ARGUMENT"]]

    run(work)


def test_four_fifths_of_a_quota_are_a_warning(home):
    async def work():
        async with Bench(home) as bench:
            service(bench).set_quota(ROOT, Kind.EACH, "", Measure.BASES, Window.DAY, BASES + 1)
            told = Told()
            await bench.ask(told=told)

            (standing,) = told.standing
            assert (standing.near, standing.remaining) == (True, 1)

    run(work)


def test_an_answer_that_turns_out_too_large_ends_with_the_remedy(home):
    async def work():
        async with Bench(home, max_answer=50_000) as bench:
            with pytest.raises(CallRefused) as told:
                await bench.ask(variant(**WIDE))

            assert told.value.status is grpc.StatusCode.INVALID_ARGUMENT
            assert "fewer tissues" in told.value.message

    run(work)


def test_the_log_can_hold_a_hash_in_the_place_of_a_variant(home):
    async def work():
        async with Bench(home) as bench:
            await bench.ask()
            await used(bench)
            assert lines(bench)[0][2] == "chr22:36193506-36209890 chr22:36201698:A>C"
        async with Bench(home, secret=b"ours") as bench:
            await bench.ask()
            await bench.ask(variant(**WIDE))
            await used(bench)
            hashed = {line[2] for line in lines(bench) if line[2].startswith("#")}
            assert len(hashed) == 2
            assert len(lines(bench)) == 3

    run(work)
