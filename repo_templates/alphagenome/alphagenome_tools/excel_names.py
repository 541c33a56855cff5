"""Gene names that a spreadsheet turned into dates or numbers."""

from __future__ import annotations

import datetime
import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# What a month was before, with today's name of the gene: Bruford et al. (2020), HGNC.
GENES = {"mar": ("MARCH", "MARCHF"), "sep": ("SEPT", "SEPTIN"), "dec": ("DEC", "DELEC"), "oct": ("OCT", "")}
DAY_MONTH = re.compile(r"(\d{1,2})[-/ ]?([A-Za-z]{3})[a-z]*(?:[-/ ]\d{2,4})?")
MONTH_DAY = re.compile(r"([A-Za-z]{3})[a-z]*[-/ ](\d{1,2})(?:[-/ ]\d{2,4})?")
CHINESE = re.compile(r"(?:\d{4}年)?(\d{1,2})月(\d{1,2})日")
NUMERIC = re.compile(r"\d{4}[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?")
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")


def mangled(value: object) -> str | None:
    """Return what happened to a gene's name, with the name it may have had; None for a sound one."""
    if isinstance(value, datetime.date):
        return _from_date(value.month, value.day)
    text = str(value).strip()
    if SCIENTIFIC.fullmatch(text) or isinstance(value, float):
        return "a spreadsheet turned this gene's identifier into a number; type it again, in a cell of text."
    date = _date_in(text)
    return None if date is None else _from_date(*date)


def _date_in(text: str) -> tuple[int, int] | None:
    if match := DAY_MONTH.fullmatch(text):
        day, month = match[1], match[2]
    elif match := MONTH_DAY.fullmatch(text):
        month, day = match[1], match[2]
    elif match := CHINESE.fullmatch(text) or NUMERIC.fullmatch(text):
        return int(match[1]), int(match[2])
    else:
        return None
    return (MONTHS.index(month.lower()) + 1, int(day)) if month.lower() in MONTHS else None


def _from_date(month: int, day: int) -> str:
    name = MONTHS[month - 1] if 1 <= month <= len(MONTHS) else ""
    old, new = GENES.get(name, ("", ""))
    now = f", today {new}{day}" if new else ""
    guess = f" It may have been {old}{day}{now}." if old else ""
    return f"a spreadsheet turned this gene's name into a date.{guess} Type it again, in a cell of text."
