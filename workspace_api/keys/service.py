"""What developers reach the forge with from their own machines; the forge keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from workspace_api.errors import FieldError, InvalidInputError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.credentials import ForgeCredentials, GitPassword, SshKey
from workspace_api.guard import require
from workspace_api.keys.checks import refusal
from workspace_api.people.service import PeopleService

LONGEST_TITLE = 120
DAYS = 90
LONGEST_DAYS = 365  # what a GitLab allows


@dataclass(frozen=True)
class NewPassword:
    """A password for git, shown this once."""

    id: str
    name: str
    user: str
    secret: str
    expires_on: dt.date


class KeyService:
    """The caller's own SSH keys and passwords for git."""

    def __init__(self, forge: ForgeClient, people: PeopleService, *, embedded: bool) -> None:
        self._forge = forge
        self._credentials = ForgeCredentials(forge)
        self._people = people
        self.speaks_ssh = not embedded

    def keys(self, identity: Identity) -> Sequence[SshKey]:
        """Return the caller's SSH keys."""
        require(identity, Action.READ_OWN_TOKENS, PLATFORM, "see your keys")
        return self._credentials.keys(identity.user or "")

    def add(self, identity: Identity, title: str, key: str) -> SshKey:
        """Keep the public half of a key; InvalidInputError in words for one that cannot be."""
        user = self._user(identity, "keep a key")
        wrong = refusal(key)
        errors = [*_title_errors("title", title), *([FieldError("key", wrong)] if wrong else [])]
        if errors:
            raise InvalidInputError("The key was not kept.", errors)
        return self._credentials.add_key(user, title.strip(), key.strip())

    def remove(self, identity: Identity, key_id: str) -> None:
        """Forget one of the caller's keys."""
        self._credentials.remove_key(self._user(identity, "remove a key"), key_id)

    def passwords(self, identity: Identity) -> Sequence[GitPassword]:
        """Return the caller's passwords for git that still work."""
        require(identity, Action.READ_OWN_TOKENS, PLATFORM, "see your passwords for git")
        return self._credentials.passwords(identity.user or "")

    def make_password(
        self, identity: Identity, name: str, *, days: int = DAYS, may_push: bool = True
    ) -> NewPassword:
        """Make a password with which the caller's git reaches the forge for `days`."""
        user = self._user(identity, "make a password for git")
        errors = _title_errors("name", name)
        if not 1 <= days <= LONGEST_DAYS:
            errors.append(FieldError("days", f"{days} days cannot be; choose from 1 to {LONGEST_DAYS}."))
        if errors:
            raise InvalidInputError("The password was not made.", errors)
        expires_on = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
        made, secret = self._credentials.make_password(user, name.strip(), expires_on, may_push=may_push)
        return NewPassword(made, name.strip(), user, secret, expires_on)

    def revoke_password(self, identity: Identity, password_id: str) -> None:
        """Make one of the caller's passwords worthless."""
        self._credentials.revoke_password(self._user(identity, "revoke a password for git"), password_id)

    def _user(self, identity: Identity, doing: str) -> str:
        """Return the caller's name, known to the forge from now on."""
        require(identity, Action.MANAGE_OWN_TOKENS, PLATFORM, doing)
        person = self._people.get(identity.user or "")
        self._forge.ensure_user(person.name, person.display_name)
        return person.name


def _title_errors(field: str, title: str) -> list[FieldError]:
    text = title.strip()
    if not text:
        return [FieldError(field, "Say where you use it, such as My laptop.")]
    if len(text) > LONGEST_TITLE or not text.isprintable():
        return [
            FieldError(field, f"At most {LONGEST_TITLE} characters that can be shown; this has {len(text)}.")
        ]
    return []
