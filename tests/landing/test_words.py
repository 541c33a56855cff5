"""Times, spans, sizes and values in words."""

from __future__ import annotations

import datetime as dt

import pytest

from landing.words import ago, common_folder, listed, size, span, time_tag
from tests.landing.reading import HOSTILE

NOW = dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (9, "just now"),
        (10, "10 seconds ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86399, "23 hours ago"),
        (86400, "yesterday"),
        (2 * 86400, "2 days ago"),
        (7 * 86400, "7 Mar 2026"),
    ],
)
def test_how_long_ago(seconds, words):
    assert ago(NOW - dt.timedelta(seconds=seconds), NOW) == words


def test_a_time_is_relative_to_read_and_exact_in_utc_for_machines_and_on_hover():
    moment = dt.datetime(2026, 3, 14, 16, 0, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))

    assert time_tag(moment, NOW) == (
        '<time datetime="2026-03-14T15:00:00Z" title="14 Mar 2026, 15:00:00 UTC">9 minutes ago</time>'
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (12.4, "12 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3569, "59 min"),
        (3590, "1 h"),
        (4800, "1 h 20 min"),
        (7200, "2 h"),
    ],
)
def test_a_length_of_time(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_960, "10 kB"),
        (999_400, "999 kB"),
        (999_999, "1.0 MB"),
        (312_000_000, "312 MB"),
        (999_999_999, "1.0 GB"),
        (4_294_967_296, "4.3 GB"),
        (1_500_000_000_000, "1.5 TB"),
    ],
)
def test_a_number_of_bytes(count, words):
    assert size(count) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (2.5, "2.5"),
        ("", ""),
        ([], "none"),
        (["a", None, True], "a, –, yes"),
        ({"cutoff": None, "ä": [1]}, '{"cutoff": null, "ä": [1]}'),
        (HOSTILE, HOSTILE),
    ],
)
def test_a_value_as_a_person_writes_it(value, words):
    assert listed(value) == words


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        ([], ""),
        (["a.csv"], ""),
        (["results/x/a.csv"], "results/x/"),
        (["results/x/a.csv", "results/x/deep/b.csv"], "results/x/"),
        (["results/x/a.csv", "results/xy/b.csv"], "results/"),
        (["results/x/a.csv", "b.csv"], ""),
    ],
)
def test_the_folder_in_which_all_files_lie(paths, folder):
    assert common_folder(paths) == folder
