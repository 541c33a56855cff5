"""The usage log as a file in the home of each person who uses the gateway."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Callable

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from nfs import beneath
from nfs.beneath import UnsafePathError
from nfs.layout import StorageLayout
from workspace_api.alphagenome.usage import LOG_HEADER, UsageService
from workspace_api.database import now
from workspace_api.errors import ConflictError
from workspace_api.guard import require
from workspace_api.people.service import PeopleService
from workspace_api.people.views import Person

logger = logging.getLogger(__name__)
LOG = "api_usage.log"
LATELY = dt.timedelta(minutes=5)  # within which a call that is put down at its beginning has ended
REST = 30.0  # times as long as a log took to write, before it is written again by itself


class UsageLogs:
    """Writes the logs; their owners may change anything in their homes at any moment."""

    def __init__(
        self,
        usage: UsageService,
        people: PeopleService,
        layout: StorageLayout,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._usage = usage
        self._people = people
        self._layout = layout
        self._clock = clock
        self._due: set[str] = set()
        self._rests: dict[str, float] = {}  # until when

    def keep(self, identity: Identity) -> str:
        """Write the caller's usage log into their home, and return its path as they write it.

        Raises ConflictError where something else of theirs has its name.
        """
        require(identity, Action.KEEP_USAGE_LOG, PLATFORM, "keep your usage log")
        self._write(self._people.get(identity.user or ""))
        return f"~/{LOG}"

    def keep_all(self) -> None:
        """Write the log of everybody with an account who asked something in the last minutes.

        Each is written as a whole. So one that is long, and took long, waits until it is worth its time.
        """
        self._due.update(self._usage.asked_since(now() - LATELY))
        began = self._clock()
        self._rests = {user: until for user, until in self._rests.items() if until > began}
        for user in sorted(self._due - set(self._rests)):
            self._due.discard(user)
            self._keep(user)

    def _keep(self, user: str) -> None:
        person = self._people.find(user)
        if person is None or person.system:
            return
        began = self._clock()
        try:
            self._write(person)
        except (ConflictError, OSError) as error:
            logger.warning("the usage log of %s was not written: %s", user, error)
        self._rests[user] = self._clock() + REST * (self._clock() - began)

    def _write(self, person: Person) -> None:
        """Put a new file in the place of the one that was written before, and of nothing else."""
        home = self._layout.ensure_home(person.name, person.uid, person.uid)
        owner = person.uid if os.geteuid() == 0 else None
        with beneath.folder(home) as at:
            if not _is_free(at):
                raise ConflictError(
                    f"The usage log was not written: in your home, “{LOG}” is something else. Rename or "
                    "remove it, and try again."
                )
            pieces = (text.encode() for text in self._usage.lines(person.name))
            beneath.replace_file(at, LOG, pieces, owner)


def _is_free(home: int) -> bool:
    """Whether the name of the log is free, or has an earlier one; all of these begin with the header."""
    header = LOG_HEADER.encode()
    try:
        return beneath.read_plain(home, LOG, len(header)) == header
    except FileNotFoundError:
        return True
    except UnsafePathError:
        return False
