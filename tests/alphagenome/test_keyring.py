"""The workspace's keys, and the service that does not answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import grpc
import pytest

from tests.conftest import free_port
from workspace_api.alphagenome import forwarding
from workspace_api.alphagenome.backends import METHODS, CallRefused, Errand, Question
from workspace_api.alphagenome.breaker import FAILURES, SECONDS, Breaker
from workspace_api.alphagenome.keyring import REFUSED_SECONDS, RESTING_SECONDS, KeyRing


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def write(path, text: str) -> None:
    """Put a new file in the place of the old one, as an administrator does."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_several_keys_are_used_in_turn(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("# ours\nfirst-key\nsecond-key  # of the other project\n\n")
    ring = KeyRing("configured", file, clock)

    assert [ring.take() for _ in range(4)] == ["first-key", "second-key"] * 2


def test_a_changed_file_counts_at_once_and_without_a_restart(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("old-key\n")
    ring = KeyRing("", file, clock)
    assert ring.take() == "old-key"
    write(file, "new-key\n")

    assert ring.take() == "new-key"


def test_a_key_that_is_added_takes_its_turn_and_no_more(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("first-key\nsecond-key\n")
    ring = KeyRing("", file, clock)
    for _ in range(10):
        ring.take()
    write(file, "first-key\nsecond-key\nthird-key\n")

    assert sorted(ring.take() for _ in range(3)) == ["first-key", "second-key", "third-key"]


def test_a_key_that_was_refused_is_used_again_only_where_there_is_no_other(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("first-key\nsecond-key\n")
    ring = KeyRing("", file, clock)

    assert ring.take() == "first-key"
    assert ring.refuse("first-key", "UNAUTHENTICATED")
    assert {ring.take() for _ in range(3)} == {"second-key"}
    assert not ring.refuse("second-key", "UNAUTHENTICATED")
    clock.now += REFUSED_SECONDS
    assert {ring.take() for _ in range(6)} == {"first-key", "second-key"}


def test_a_key_whose_quota_is_used_up_rests(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("first-key\nsecond-key\n")
    ring = KeyRing("", file, clock)
    ring.rest("first-key")

    assert [ring.take() for _ in range(2)] == ["second-key"] * 2
    clock.now += RESTING_SECONDS
    assert ring.take() == "first-key"


def test_a_file_that_is_gone_leaves_the_keys_that_were_read(tmp_path, clock):
    file = tmp_path / "keys"
    file.write_text("first-key\n")
    ring = KeyRing("", file, clock)
    ring.take()
    file.unlink()

    assert ring.take() == "first-key"


@pytest.mark.parametrize("key", ["", " ", "kéy", "two\nlines", "two words"])
def test_without_a_key_that_can_be_one_an_administrator_is_asked_for(key, clock):
    with pytest.raises(CallRefused) as told:
        KeyRing(key, None, clock).take()

    assert told.value.status is grpc.StatusCode.FAILED_PRECONDITION
    assert "Ask an administrator" in told.value.message


def test_a_service_that_does_not_answer_is_left_alone_for_a_while(clock):
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.check()
        breaker.failed()
    with pytest.raises(CallRefused) as told:
        breaker.check()

    assert told.value.status is grpc.StatusCode.UNAVAILABLE
    assert f"tried again in {SECONDS:.0f} s" in told.value.message


def test_then_one_call_tries_it_while_the_others_wait(clock):
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.failed()
    clock.now += SECONDS
    breaker.check()
    with pytest.raises(CallRefused):
        breaker.check()
    breaker.worked()

    breaker.check()


def test_it_is_left_alone_for_longer_each_time_it_does_not_answer(clock):
    breaker = Breaker(clock)
    for _ in range(FAILURES + 1):
        breaker.failed()
    clock.now += SECONDS + 1
    with pytest.raises(CallRefused):
        breaker.check()


def test_between_tries_is_a_pause_that_grows_and_is_never_the_same_for_all(monkeypatch):
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(forwarding, "asyncio", SimpleNamespace(sleep=pause))

    async def ask() -> None:
        backend = forwarding.ForwardingBackend(f"127.0.0.1:{free_port()}", KeyRing("a-key", None))
        errand = Errand(Question(METHODS["GetMetadata"], b""), seconds=60)
        with pytest.raises(CallRefused):
            async for _ in backend.answer(errand):
                raise AssertionError("nobody answers there")
        await backend.close()

    for _ in range(3):
        asyncio.run(ask())

    first, second = pauses[:: len(pauses) // 3], pauses[1 :: len(pauses) // 3]
    assert len(set(first)) == 3
    assert all(0.1 <= seconds <= 0.3 for seconds in first)
    assert all(0.2 <= seconds <= 0.6 for seconds in second)
