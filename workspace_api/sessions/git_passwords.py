"""Passwords by which git in a session reaches the forge, for as long as the session lasts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from workspace_api.database import now
from workspace_api.errors import NotSignedInError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.session_passwords import SessionPasswords
from workspace_api.guard import require
from workspace_api.people.service import PeopleService
from workspace_api.tokens.service import TokenService

RENEWED_AFTER = dt.timedelta(hours=12)
MAKING = dt.timedelta(minutes=5)  # in which the forge has made a password, or never will


@dataclass(frozen=True)
class _Kept:
    """A password, and when it was asked for."""

    secret: str
    asked_at: dt.datetime

    @property
    def old(self) -> bool:
        """Whether another should take its place."""
        return self.asked_at < now() - RENEWED_AFTER


class GitPasswords:
    """One for each session, and for each operation on a checkout, known to this process's memory alone.

    A password ends with the token by which it was asked for. That token notes it before the forge makes it:
    so whoever is killed, `end_left` finds it. Thread-safe.
    """

    def __init__(self, tokens: TokenService, people: PeopleService, forge: ForgeClient) -> None:
        self._tokens = tokens
        self._people = people
        self._passwords = SessionPasswords(forge)
        self._kept: dict[int, _Kept] = {}
        self._ended: dict[int, dt.datetime] = {}

    def borrow(self, identity: Identity) -> str:
        """Return the password of the session from within which the caller's git asks.

        Raises ForbiddenError for who asks from elsewhere, and UnavailableError while the forge is away.
        """
        require(identity, Action.USE_GIT, PLATFORM, "borrow a password for git")
        person = self._people.get(identity.user or "")
        note = self._tokens.for_git(identity.within or "")
        if note is None:
            raise NotSignedInError("The session has just ended, and with it what its git may do.")
        kept = self._kept.get(note.token_id)
        if kept is not None and kept.asked_at == note.asked_at and not kept.old:
            return kept.secret
        asked_at = self._tokens.note_git_password(note.token_id)
        made = _Kept(self._passwords.make(person.name, person.display_name, note.mark), asked_at)
        self._kept = {key: each for key, each in self._kept.items() if not each.old} | {note.token_id: made}
        return made.secret

    def end_left(self) -> None:
        """Have the forge end every password whose session has ended; UnavailableError where it cannot now.

        One that was asked for just before is ended twice: it may have been under way the first time.
        """
        for note in self._tokens.git_left():
            if note.asked_at < now() - MAKING:
                self._passwords.end(note.user, note.mark)
                self._tokens.forget_git_password(note)
                self._ended.pop(note.token_id, None)
            elif self._ended.get(note.token_id) != note.asked_at:
                self._passwords.end(note.user, note.mark)
                self._ended[note.token_id] = self._tokens.note_git_password(note.token_id)
