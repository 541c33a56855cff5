"""What is asked and answered about people over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.identity import Identity, Level
from auth.permissions import Role
from workspace_api.groups.views import Membership
from workspace_api.people.views import Person


class OwnGroup(BaseModel):
    """A group of the caller's, with their role in it."""

    name: str
    role: Role


class Me(BaseModel):
    """Who is asking; `name` is null for a visitor without an account."""

    name: str | None
    display_name: str | None
    level: Level
    admin: bool
    scopes: list[str]
    groups: list[OwnGroup]

    @classmethod
    def of(cls, identity: Identity, person: Person | None, groups: Sequence[Membership]) -> Self:
        """Answer for a caller and, unless they are a visitor, their account and groups."""
        return cls(
            name=identity.user,
            display_name=person.display_name if person else None,
            level=identity.level,
            admin=identity.admin,
            scopes=sorted(identity.scopes),
            groups=[OwnGroup(name=group.group, role=group.role) for group in groups],
        )


class PersonSchema(BaseModel):
    """One account."""

    name: str
    display_name: str
    level: Level
    admin: bool
    system: bool
    disabled: bool
    created_at: dt.datetime

    @classmethod
    def of(cls, person: Person) -> Self:
        """Answer with an account; its numeric owner stays inside."""
        return cls(
            name=person.name,
            display_name=person.display_name,
            level=person.level,
            admin=person.admin,
            system=person.system,
            disabled=person.disabled,
            created_at=person.created_at,
        )


class NewPerson(BaseModel):
    """An account to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="1 to 32 small letters, digits and single hyphens; begins with a letter.")
    password: SecretStr = Field(description="8 to 200 characters, not the name.")
    display_name: str = ""
    level: Level = Level.AUTHOR
    admin: bool = False


class PersonChange(BaseModel):
    """What to change of an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    password: SecretStr | None = None
    level: Level | None = None
    admin: bool | None = None
    disabled: bool | None = None
