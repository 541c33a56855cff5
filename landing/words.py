"""Times, spans and sizes in the words of the pages."""

from __future__ import annotations

import datetime as dt
import json
import posixpath
from collections.abc import Sequence

from markupsafe import Markup

MINUTE, HOUR, DAY = 60, 3600, 86400
WEEK = 7 * DAY


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how long before `now` something was, or its date when that is more than a week."""
    seconds = int((now - moment).total_seconds())
    if seconds < 10:
        return "just now"
    if seconds < MINUTE:
        return f"{seconds} seconds ago"
    if seconds < HOUR:
        return f"{_counted(seconds // MINUTE, 'minute')} ago"
    if seconds < DAY:
        return f"{_counted(seconds // HOUR, 'hour')} ago"
    if seconds < 2 * DAY:
        return "yesterday"
    if seconds < WEEK:
        return f"{seconds // DAY} days ago"
    return f"{moment.day} {moment:%b %Y}"


def time_tag(moment: dt.datetime, now: dt.datetime) -> Markup:
    """Return a `<time>` element: relative to read, exact on hover and for machines."""
    utc = moment.astimezone(dt.UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc.day} {utc:%b %Y, %H:%M:%S} UTC", ago(utc, now)
    )


def span(seconds: float) -> str:
    """Return a length of time in words: `0.4 s`, `12 s`, `3 min`, `1 h 20 min`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size(count: int) -> str:
    """Return a number of bytes with its unit (powers of 1000, as disks are sold)."""
    if count < 1000:
        return _counted(count, "byte")
    value = count / 1000
    for unit in ("kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB" if value < 999.95 else f"{value / 1000:.1f} TB"


def memory(count: int) -> str:
    """Return a number of bytes of memory with its unit (powers of 1024, as memory is sold)."""
    mib = count / 1024**2
    return f"{mib:.0f} MiB" if mib < 999.5 else f"{mib / 1024:.3g} GiB"


def clock_tag(moment: dt.datetime) -> Markup:
    """Return a `<time>` element with the hour and minute, which the browser shows in its own zone."""
    utc = moment.astimezone(dt.UTC)
    return Markup('<time datetime="{}" data-clock>{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%H:%M} UTC"
    )


def listed(value: object) -> str:
    """Return a parameter's value as a person writes it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(listed(item) for item in value) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def figure(value: object) -> str:
    """Return a value of a table as a person reads it: numbers with four digits that count."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None or value == "" else str(value)


def common_folder(paths: Sequence[str]) -> str:
    """Return the folder, with a slash at its end, in which all of `paths` lie; empty where there is none."""
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if paths else ""
    return f"{folder}/" if folder else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
