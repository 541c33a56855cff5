"""The real service's moods, and what the gateway makes of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import grpc
import pytest

from tests.alphagenome.bench_desk import Bench, run, variant
from tests.alphagenome.service import KEY, Fault, Service
from workspace_api.alphagenome.backends import CallRefused, Errand
from workspace_api.alphagenome.forwarding import ForwardingBackend
from workspace_api.alphagenome.keyring import KeyRing

BUSY = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for predictions per minute")
AWAY = (grpc.StatusCode.UNAVAILABLE, "later")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.stop()


@pytest.fixture
def service(running):
    """The service, as if nobody had asked it yet."""
    running.calls.clear()
    running.refusals.clear()
    running.faults.clear()
    running.keys = {KEY}
    return running


def ask(service: Service, errand: Errand | None = None, *, keys: KeyRing | None = None, patience: float = 30):
    """Ask about a variant; return the messages, and how often the service was asked."""

    async def work():
        backend = ForwardingBackend(service.address, keys or KeyRing(KEY), service.roots, patience=patience)
        errand_ = errand or Errand(variant())
        try:
            async with aclosing(backend.answer(errand_)) as messages:
                return [message async for message in messages], errand_.calls
        finally:
            await backend.close()

    return asyncio.run(work())


@pytest.mark.parametrize("refusal", [BUSY, AWAY], ids=["busy", "away"])
def test_what_passes_is_tried_again_until_it_has_passed(service, refusal):
    service.refusals += [refusal] * 3
    messages, calls = ask(service)

    assert len(messages) > 1
    assert calls == len(service.calls) == 4


def test_a_bad_question_is_not_asked_again(service):
    service.refusals.append((grpc.StatusCode.INVALID_ARGUMENT, "Interval too short"))
    with pytest.raises(CallRefused, match="Interval too short"):
        ask(service)

    assert len(service.calls) == 1


def test_it_is_not_tried_for_ever(service):
    service.refusals += [BUSY] * 50
    with pytest.raises(CallRefused) as told:
        ask(service, patience=0.5)

    assert told.value.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 1 <= len(service.calls) < 50


def test_a_connection_that_breaks_in_the_middle_is_told_and_not_asked_again(service):
    service.faults.append(Fault.RESET)
    with pytest.raises(CallRefused) as told:
        ask(service)

    assert told.value.status is grpc.StatusCode.UNAVAILABLE
    assert len(service.calls) == 1


@pytest.mark.parametrize("fault", [Fault.WRONG_BYTES, Fault.CUT_SHORT])
def test_an_answer_that_is_none_is_not_kept_and_asked_for_again(service, home, fault):
    service.faults.append(fault)

    async def work():
        backend = ForwardingBackend(service.address, KeyRing(KEY), service.roots)
        async with Bench(home, backend=backend) as bench:
            broken = await bench.ask()
            assert await bench.where_from() == "model"
            whole = await bench.ask()
            assert await bench.where_from() == "cache"
            assert broken != whole

    run(work)
    assert len(service.calls) == 2


def test_a_service_that_is_away_for_long_is_not_asked_any_more(service):
    service.refusals += [AWAY] * 50
    with pytest.raises(CallRefused, match="it is tried again in"):
        ask(service)

    assert len(service.calls) < 10


def test_a_key_that_was_revoked_makes_place_for_the_next_one(service, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"revoked-{KEY}\n{KEY}\n")
    messages, calls = ask(service, keys=KeyRing("", file))

    assert len(messages) > 1
    assert calls == 2
    assert [call[1]["x-goog-api-key"] for call in service.calls] == [f"revoked-{KEY}", KEY]


def test_somebodys_own_key_is_used_and_its_refusal_is_theirs(service):
    service.keys = {"a-key-of-adas-own"}
    messages, _ = ask(service, Errand(variant(), key="a-key-of-adas-own"))
    assert len(messages) > 1
    with pytest.raises(CallRefused) as told:
        ask(service, Errand(variant(), key="a-key-that-ended"))

    assert told.value.personal
    assert "your own key" in told.value.message
    assert "a-key-that-ended" not in told.value.message


def test_the_callers_time_is_the_services_too(service):
    service.refusals += [BUSY] * 50
    with pytest.raises(CallRefused):
        ask(service, Errand(variant(), seconds=0.5))
