"""What people's own programs prove themselves to the forge with: SSH keys, and passwords for git."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gitlab.exceptions import GitlabError

from workspace_api.errors import FieldError, InvalidInputError, NotFoundError
from workspace_api.forge.client import ForgeClient

READ, WRITE = "read_repository", "write_repository"
SESSIONS = "labfork session"  # with which the names of sessions' passwords begin


@dataclass(frozen=True)
class SshKey:
    """The public half of an SSH key, as the forge keeps it."""

    id: str
    title: str
    key: str
    created_at: dt.datetime


@dataclass(frozen=True)
class GitPassword:
    """A password for git over HTTPS; the forge keeps no more of it than this."""

    id: str
    name: str
    may_push: bool
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_on: dt.date | None


class ForgeCredentials:
    """Keeps them for people, as the forge's administrator."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def keys(self, user: str) -> Sequence[SshKey]:
        """Return somebody's SSH keys."""
        account = self._account(user)
        return (
            [_key(k) for k in self._forge.ask(lambda _: account.keys.list(get_all=True))] if account else []
        )

    def add_key(self, user: str, title: str, key: str) -> SshKey:
        """Keep a key; InvalidInputError in words when the forge does not take it."""

        def add(_forge: Any) -> SshKey:
            try:
                return _key(self._account(user).keys.create({"title": title, "key": key}))
            except GitlabError as error:
                if error.response_code not in (400, 422):
                    raise
                words = str(error.error_message)
                taken = "taken" in words
                said = "This key is kept already, by you or by somebody else." if taken else words[:300]
                raise InvalidInputError("The key was not kept.", [FieldError("key", said)]) from error

        made: SshKey = self._forge.ask(add)
        return made

    def remove_key(self, user: str, key_id: str) -> None:
        """Forget one of somebody's keys; NotFoundError where there is none."""
        if key_id not in {key.id for key in self.keys(user)}:
            raise NotFoundError(f"You have no key {key_id[:20]}.")
        account = self._account(user)
        self._forge.find(lambda _: account.keys.delete(int(key_id)))

    def passwords(self, user: str) -> Sequence[GitPassword]:
        """Return somebody's passwords for git that still work."""
        account = self._account(user)
        if account is None:
            return []
        found = self._forge.ask(
            lambda forge: forge.personal_access_tokens.list(user_id=account.id, get_all=True)
        )
        return [_password(token) for token in found if _is_ours(token)]

    def make_password(self, user: str, name: str, expires_on: dt.date, *, may_push: bool) -> tuple[str, str]:
        """Make a password for git, and return its id and, this once, the password itself."""
        scopes = [READ, WRITE] if may_push else [READ]
        wanted = {"name": name, "scopes": scopes, "expires_at": expires_on.isoformat()}
        account = self._account(user)
        made = self._forge.ask(lambda _: account.personal_access_tokens.create(wanted))
        return str(made.id), str(made.token)

    def revoke_password(self, user: str, password_id: str) -> None:
        """Make one of somebody's passwords worthless; NotFoundError where there is none."""
        if password_id not in {password.id for password in self.passwords(user)}:
            raise NotFoundError(f"You have no password {password_id[:20]}.")
        self._forge.find(lambda forge: forge.personal_access_tokens.delete(int(password_id)))

    def _account(self, user: str) -> Any:
        """Return the user on the forge, or None."""
        found = self._forge.ask(lambda forge: forge.users.list(username=user, get_all=False))
        return found[0] if found else None


def _is_ours(token: Any) -> bool:
    """Whether a token was made here for git: not one of a session, nor one made on the forge for more."""
    return (
        not token.revoked
        and getattr(token, "active", True)
        and not getattr(token, "impersonation", False)
        and not token.name.startswith(SESSIONS)
        and set(token.scopes) <= {READ, WRITE}
    )


def _key(found: Any) -> SshKey:
    return SshKey(str(found.id), found.title, found.key, _moment(found.created_at))


def _password(found: Any) -> GitPassword:
    return GitPassword(
        id=str(found.id),
        name=found.name,
        may_push=WRITE in found.scopes,
        created_at=_moment(found.created_at),
        last_used_at=_moment(found.last_used_at) if found.last_used_at else None,
        expires_on=dt.date.fromisoformat(found.expires_at) if found.expires_at else None,
    )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
