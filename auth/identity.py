"""Who is asking: a person, or a visitor without an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How much of the interface a person is shown, and which kinds of session may start."""

    PUBLIC = "public"
    END_USER = "end_user"
    AUTHOR = "author"
    DEVELOPER = "developer"


ALL_SCOPES = frozenset({"api", "read_api", "alphagenome"})


@dataclass(frozen=True)
class Identity:
    """One caller, as every service sees it.

    `user` is the account's name, or None for a visitor without one. `visitor` is the opaque id that a
    visitor's browser keeps, which makes their own public runs findable and countable. `scopes` narrows what
    a token may be used for; a browser session carries all of them. `within` is set where the token is that of
    a session, of an operation on a checkout or of a run, and names it: whatever runs there has the token, and
    it ends with it.
    """

    user: str | None = None
    level: Level = Level.PUBLIC
    admin: bool = False
    visitor: str | None = None
    scopes: frozenset[str] = field(default=ALL_SCOPES)
    within: str | None = None

    @property
    def passing(self) -> bool:
        """Whether the token is one that whatever runs in a session, operation or run has."""
        return self.within is not None

    @property
    def signed_in(self) -> bool:
        """Whether an account stands behind the request."""
        return self.user is not None


ANONYMOUS = Identity()
