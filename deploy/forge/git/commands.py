"""What a push asks for: the commands ahead of its pack, in git's pkt-line format."""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\0\n]+)")


@dataclass(frozen=True)
class Asked:
    """A ref that shall be moved, and where to; forty zeros remove it."""

    ref: str
    new: str


def asked(head: bytes) -> list[Asked] | None:
    """Return the commands at the beginning of a push; None while their end has not come yet.

    What cannot be read gives an empty list: git itself will say what is wrong with it.
    """
    found: list[Asked] = []
    place = 0
    while len(head) >= place + 4:
        try:
            length = int(head[place : place + 4], 16)
        except ValueError:
            return []
        if length == 0:
            return found
        if length < 4:
            return []
        line = head[place + 4 : place + length]
        if len(line) < length - 4:
            return None
        if command := COMMAND.match(line):
            found.append(Asked(command[3].decode(errors="replace"), command[2].decode()))
        place += length
    return None
