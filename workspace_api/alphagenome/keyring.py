"""The workspace's keys: read again when their file changes, and taken in turn."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import grpc

from workspace_api.alphagenome.agreements import is_key
from workspace_api.alphagenome.backends import CallRefused

logger = logging.getLogger(__name__)
REFUSED_SECONDS = 60.0  # for which a key that was refused is used only where there is no other
RESTING_SECONDS = 5.0  # likewise, one whose quota is used up
NOT_ACCEPTED = "AlphaGenome does not accept this workspace's key. Ask an administrator to check it."


class KeyRing:
    """The key of the configuration, and those in a file, one a line; `#` begins a comment.

    The file's take the place of the configuration's. It is looked at for every call, so that keys are changed
    without a restart: write the new file beside it and rename it.
    """

    def __init__(
        self, key: str = "", file: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._configured = key.strip()
        self._file = file
        self._clock = clock
        self._read_at: tuple[int, int] | None = None
        self._keys: tuple[str, ...] = ()
        self._refused: dict[str, float] = {}  # until when
        self._resting: dict[str, float] = {}
        self._uses: Counter[str] = Counter()

    def take(self) -> str:
        """Return the key to use now: one that was not refused, whose quota is not used up, the least used.

        Refuses with FAILED_PRECONDITION where there is none at all.
        """
        now = self._clock()
        keys = self.keys()
        if not keys:
            raise CallRefused(grpc.StatusCode.FAILED_PRECONDITION, NOT_ACCEPTED)
        key = min(
            keys,
            key=lambda key: (
                self._refused.get(key, 0) > now,
                self._resting.get(key, 0) > now,
                self._uses[key],
            ),
        )
        self._uses[key] += 1
        return key

    def keys(self) -> tuple[str, ...]:
        """Return the keys that there are now."""
        if self._file is None:
            return self._usable([self._configured])
        try:
            stat = self._file.stat()
            if (stat.st_mtime_ns, stat.st_ino) != self._read_at:
                lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
                self._keys = self._usable([line.partition("#")[0].strip() for line in lines])
                self._read_at = (stat.st_mtime_ns, stat.st_ino)
                self._refused.clear()
                self._uses.clear()  # else a new key would be taken alone for as long as the old ones were
                logger.info("the key file holds %d keys", len(self._keys))
        except OSError as error:
            logger.warning("the key file %s cannot be read: %s", self._file, error.strerror)
        return self._keys or self._usable([self._configured])

    def refuse(self, key: str, reason: str) -> bool:
        """Take it that a key was refused; return whether there is another that was not."""
        logger.error("AlphaGenome does not accept the workspace's key: %s", reason)
        now = self._clock()
        self._refused[key] = now + REFUSED_SECONDS
        return any(self._refused.get(other, 0) <= now for other in self.keys())

    def rest(self, key: str) -> None:
        """Take it that a key's quota is used up."""
        self._resting[key] = self._clock() + RESTING_SECONDS

    def _usable(self, keys: list[str]) -> tuple[str, ...]:
        found = [key for key in dict.fromkeys(keys) if key]
        good = tuple(key for key in found if is_key(key))
        if not good or len(good) < len(found):
            logger.error(
                "AlphaGenome does not accept the workspace's key: it is blank, or holds characters that no "
                "key has"
            )
        return good
