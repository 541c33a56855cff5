"""Text from a kernel, made fit for a page or a log."""

from __future__ import annotations

import re

MESSAGE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 16_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def without_ansi(text: str) -> str:
    """Return ``text`` without terminal escapes and control characters."""
    return _CONTROL.sub("", _ANSI.sub("", text))


def bounded(text: str, length: int = MESSAGE_CHARACTERS) -> str:
    """Return the beginning of ``text``, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def bounded_traceback(text: str, length: int = TRACEBACK_CHARACTERS) -> str:
    """Return the end of a traceback, which names the error, with an ellipsis where it was cut."""
    return text if len(text) <= length else "…" + text[-(length - 1) :]
