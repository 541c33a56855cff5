"""Passwords at the forge for git in sessions: impersonation tokens, each named after what it is for."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from workspace_api.forge.client import ForgeClient
from workspace_api.forge.credentials import READ, SESSIONS, WRITE

DAYS = 2  # the forge counts in whole days


class SessionPasswords:
    """Makes them and ends them, as the forge's administrator."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def make(self, user: str, display_name: str, mark: str) -> str:
        """Return a new password for `user`'s git, which `end` finds by `mark`."""
        number = self._forge.ensure_user(user, display_name)
        expires = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=DAYS)
        wanted = {"name": _name(mark), "scopes": [READ, WRITE], "expires_at": expires.isoformat()}

        def make(forge: Any) -> Any:
            return forge.users.get(number, lazy=True).impersonationtokens.create(wanted)

        return str(self._forge.ask(make).token)

    def end(self, user: str, mark: str) -> None:
        """Make every password worthless that was made for `mark`."""
        known = self._forge.ask(lambda forge: forge.users.list(username=user, get_all=False))
        if not known:
            return
        found = self._forge.ask(lambda _: known[0].impersonationtokens.list(state="active", get_all=True))
        for token in found:
            if token.name == _name(mark):
                self._forge.find(partial(_revoke, token))


def _revoke(token: Any, _forge: object) -> None:
    token.delete()


def _name(mark: str) -> str:
    return f"{SESSIONS} {mark}"
