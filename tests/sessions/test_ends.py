"""When a session ends by itself, and what its person is told."""

from __future__ import annotations

import datetime as dt

import pytest

from workspace_api.sessions.ends import ending_of, idle_words, time_words, was_idle
from workspace_api.sessions.sizes import Size

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def after(**span) -> dt.datetime:
    return NOON + dt.timedelta(**span)


@pytest.mark.parametrize(
    ("used", "idle_minutes", "hours", "now", "end"),
    [
        (after(), 0, 0, after(hours=99), None),
        (after(), 120, 0, after(minutes=60), (after(hours=2), "idle", False)),
        (after(), 120, 0, after(minutes=110), (after(hours=2), "idle", True)),
        (after(minutes=100), 120, 0, after(minutes=110), (after(minutes=220), "idle", False)),
        (after(), 120, 1.0, after(minutes=10), (after(hours=1), "time", False)),
        (after(minutes=49), 120, 1.0, after(minutes=51), (after(hours=1), "time", True)),  # used or not
        (after(), 4, 0, after(minutes=1), (after(minutes=4), "idle", False)),
        (after(), 4, 0, after(minutes=2), (after(minutes=4), "idle", True)),  # warned half way at the latest
    ],
)
def test_the_earlier_end_counts_and_is_told_in_time(used, idle_minutes, hours, now, end):
    found = ending_of(started_at=NOON, used_at=used, idle_minutes=idle_minutes, hours=hours, now=now)

    assert (found and (found.at, found.because, found.soon)) == end


@pytest.mark.parametrize(
    ("used", "idle_minutes", "idle"),
    [(after(), 120, True), (after(minutes=5), 120, False), (after(), 0, False)],
)
def test_an_end_for_want_of_use_is_known_by_the_last_use(used, idle_minutes, idle):
    assert was_idle(used, idle_minutes, after(hours=2)) is idle


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(120, "2 hours"), (60, "1 hour"), (90, "1.5 hours"), (45, "45 minutes"), (1, "1 minute")],
)
def test_the_reason_says_how_long_it_was_not_used(minutes, words):
    assert idle_words(minutes) == f"It ended because it was not used for {words}."


def test_the_reason_names_the_size_whose_time_is_over():
    words = time_words(Size("long", "Long", hours=8))

    assert words == "It ended because it had run for 8 hours, the longest of the size Long."
