"""The token that a session, or an operation on a checkout, carries."""

from __future__ import annotations

import datetime as dt

from workspace_api.database import now
from workspace_api.people.views import Person
from workspace_api.tokens.service import TokenService

TOKEN_LASTS = dt.timedelta(days=30)
SCOPES = frozenset({"api", "alphagenome"})


def new_token(tokens: TokenService, person: Person, mark: str, lasts: dt.timedelta = TOKEN_LASTS) -> str:
    """Make the token of the session or operation `mark`; it is worthless when that has ended."""
    tokens.revoke_for_run(mark)
    made = tokens.create(person.name, f"Session {mark[:8]}", SCOPES, expires_at=now() + lasts, run_id=mark)
    return made.secret
