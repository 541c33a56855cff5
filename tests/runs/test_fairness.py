"""Whose run is next: plain decisions about plain values."""

from __future__ import annotations

import datetime as dt

from workspace_api.runs.fairness import Requester, Waiting, choose

ADA, BEN, OURS = Requester(1, None), Requester(2, None), Requester(9, None)
VISITORS = [Requester(8, "one"), Requester(8, "two")]
NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)


def waiting(name: str, who: Requester, minute: int, *, example: bool = False) -> Waiting:
    """A run that somebody asked for, so many minutes after noon."""
    return Waiting(name, who, NOON + dt.timedelta(minutes=minute), example)


def next_of(*runs: Waiting, running=(), served=None) -> str | None:
    """The run that is begun next."""
    return choose(runs, running, served or {}, per_person=2, public_at_once=1)


def test_who_has_the_fewest_under_way_comes_first_then_who_was_served_longest_ago_then_who_asked_first():
    first, second = waiting("ada", ADA, 0), waiting("ben", BEN, 1)

    assert next_of(second, first) == "ada"
    assert next_of(first, second, running=[ADA]) == "ben"
    assert next_of(first, second, served={ADA: NOON}) == "ben"
    assert next_of(first, second, served={ADA: NOON, BEN: NOON + dt.timedelta(seconds=1)}) == "ada"


def test_nobody_has_more_than_their_share_at_once():
    assert next_of(waiting("ada", ADA, 0), running=[ADA, ADA]) is None
    assert next_of(waiting("two", VISITORS[1], 0), running=[VISITORS[0]]) is None
    assert next_of(waiting("ada", ADA, 0), waiting("ben", BEN, 1), running=[ADA, ADA]) == "ben"


def test_an_example_is_begun_where_nobodys_run_waits_and_one_at_a_time():
    example, ada = waiting("example", OURS, 0, example=True), waiting("ada", ADA, 5)

    assert next_of(example) == "example"
    assert next_of(example, ada, running=[ADA], served={ADA: NOON}) == "ada"
    assert next_of(example, running=[OURS]) is None
    assert next_of(example, ada, running=[OURS]) == "ada"
