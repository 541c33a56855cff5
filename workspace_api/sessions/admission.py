"""Whose session starts next, and what each of the others waits for: rules over plain values."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.machine import Machine
from workspace_api.settings import GIB, SessionSettings

CPUS_SHARED = 10  # sessions seldom compute at the same time ...
MEMORY_SHARED = 2  # ... or use all the memory they may


@dataclass(frozen=True)
class Claim:
    """One session, waiting or open: whose it is, what it may use, and when it was opened."""

    id: str
    owner: str
    opened_at: dt.datetime
    cpus: float = 0.0
    memory_bytes: int = 0
    gpu: bool = False


@dataclass(frozen=True)
class Room:
    """What all open sessions may use together, and how many of them one person may have."""

    places: int
    per_person: int
    cpus: float
    memory_bytes: int


class Lack(StrEnum):
    """What a waiting session waits for."""

    OWN = "own"  # its person has as many open as they may
    TURN = "turn"  # those before it
    PLACE = "place"
    MEMORY = "memory"
    CPUS = "cpus"
    GPU = "gpu"
    NOTHING = "nothing"  # it is about to start


@dataclass(frozen=True)
class Outlook:
    """Where a waiting session stands: its number in the line (None outside of it), and what it waits for."""

    position: int | None
    lack: Lack


def room_of(settings: SessionSettings, machine: Machine) -> Room:
    """Return the room for sessions: as the settings say, or several times what the machine has."""
    memory = settings.memory_at_once_gib * GIB or MEMORY_SHARED * machine.memory_bytes
    return Room(
        places=settings.at_once,
        per_person=settings.per_person,
        cpus=settings.cpus_at_once or CPUS_SHARED * machine.cpus,
        memory_bytes=int(memory),
    )


def line_of(waiting: Sequence[Claim], open_: Sequence[Claim], per_person: int) -> list[Claim]:
    """Return the waiting sessions in the order in which they will start.

    Whoever has the fewest sessions, open or before it in the line, comes first; among equals the one that was
    opened first. A session whose person would have more than `per_person` is not in the line yet.
    """
    has = Counter(claim.owner for claim in open_)
    left, line = list(waiting), []
    while allowed := [claim for claim in left if has[claim.owner] < per_person]:
        first = min(allowed, key=lambda claim: (has[claim.owner], claim.opened_at, claim.id))
        has[first.owner] += 1
        left.remove(first)
        line.append(first)
    return line


def admitted(waiting: Sequence[Claim], open_: Sequence[Claim], room: Room) -> list[Claim]:
    """Return the waiting sessions that start now, in their order.

    Nobody overtakes one for which there is no room yet, so that a large session does not wait for ever;
    only one that lacks nothing but the graphics processor lets others pass.
    """
    held, chosen = list(open_), []
    for claim in line_of(waiting, open_, room.per_person):
        lack = lack_of(claim, held, room)
        if lack is Lack.NOTHING:
            held.append(claim)
            chosen.append(claim)
        elif lack is not Lack.GPU:
            break
    return chosen


def lack_of(claim: Claim, open_: Sequence[Claim], room: Room) -> Lack:
    """Return what `claim` lacks beside the sessions that are open; a single one always has room."""
    if not open_:
        return Lack.NOTHING
    if len(open_) >= room.places:
        return Lack.PLACE
    if sum(each.memory_bytes for each in open_) + claim.memory_bytes > room.memory_bytes:
        return Lack.MEMORY
    if sum(each.cpus for each in open_) + claim.cpus > room.cpus:
        return Lack.CPUS
    return Lack.GPU if claim.gpu and any(each.gpu for each in open_) else Lack.NOTHING


def outlooks(waiting: Sequence[Claim], open_: Sequence[Claim], room: Room) -> dict[str, Outlook]:
    """Return where each waiting session stands."""
    found = {claim.id: Outlook(None, Lack.OWN) for claim in waiting}
    blocked = False
    for number, claim in enumerate(line_of(waiting, open_, room.per_person), start=1):
        lack = Lack.TURN if blocked else lack_of(claim, open_, room)
        blocked = blocked or lack not in (Lack.GPU, Lack.NOTHING)
        found[claim.id] = Outlook(number, lack)
    return found
