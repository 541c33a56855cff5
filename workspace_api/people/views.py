"""People as the rest of the workspace sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from auth.identity import Level


@dataclass(frozen=True)
class Person:
    """One account; `uid` is the numeric owner of its files and processes, `system` one of our own."""

    name: str
    display_name: str
    uid: int
    level: Level
    admin: bool
    system: bool
    disabled: bool
    created_at: dt.datetime
