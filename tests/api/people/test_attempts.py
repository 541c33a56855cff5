"""How often a sign-in may fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from workspace_api.errors import LimitReachedError
from workspace_api.people.attempts import WINDOW, SignInAttempts


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


def test_the_wait_ends_when_the_first_failure_is_ten_minutes_old(clock):
    attempts = SignInAttempts(per_name=3, clock=clock)
    for _ in range(3):
        attempts.begin("ana", "10.0.0.1")
        clock.seconds += 60

    with pytest.raises(LimitReachedError, match="Wait 7 minutes"):
        attempts.begin("ana", "10.0.0.2")
    clock.seconds = WINDOW
    attempts.begin("ana", "10.0.0.2")


def test_an_address_that_tries_many_names_waits_too(clock):
    attempts = SignInAttempts(per_address=3, clock=clock)
    for name in ("ana", "ben", "eve"):
        attempts.begin(name, "10.0.0.1")

    with pytest.raises(LimitReachedError, match="your address"):
        attempts.begin("kim", "10.0.0.1")
    attempts.begin("kim", "10.0.0.2")


def test_signing_in_forgets_the_failures_of_the_name(clock):
    attempts = SignInAttempts(per_name=2, clock=clock)
    attempts.begin("ana", "10.0.0.1")
    attempts.succeeded("ana", "10.0.0.1")
    attempts.begin("ana", "10.0.0.1")

    attempts.begin("ana", "10.0.0.1")


def test_a_course_behind_one_address_signs_in(clock):
    attempts = SignInAttempts(per_address=3, clock=clock)
    for number in range(30):
        attempts.begin(f"student{number}", "10.0.0.1")
        attempts.succeeded(f"student{number}", "10.0.0.1")

    attempts.begin("another", "10.0.0.1")


def test_many_attempts_at_once_count_as_many(clock):
    attempts = SignInAttempts(per_name=10, clock=clock)
    allowed = []

    def attempt(number):
        try:
            attempts.begin("ana", f"10.0.0.{number}")
        except LimitReachedError:
            return
        allowed.append(number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(40)))

    assert len(allowed) == 10


def test_what_is_remembered_has_an_end(clock):
    attempts = SignInAttempts(per_name=1, capacity=10, clock=clock)
    attempts.begin("first", "10.0.0.1")
    for number in range(20):
        attempts.begin(f"name{number}", "10.0.0.1")

    attempts.begin("first", "10.0.0.2")
    with pytest.raises(LimitReachedError):
        attempts.begin("name19", "10.0.0.2")
