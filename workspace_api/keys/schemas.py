"""Request and response shapes of keys and passwords for git."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(from_attributes=True)


class KeyOut(View):
    """The public half of an SSH key."""

    id: str
    title: str
    key: str
    created_at: dt.datetime


class NewKey(BaseModel):
    """A key to keep: the one line of a `.pub` file."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=500)
    key: str = Field(max_length=20_000)


class PasswordOut(View):
    """A password for git, without itself."""

    id: str
    name: str
    may_push: bool
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_on: dt.date | None


class NewPasswordIn(BaseModel):
    """What a password is for, and for how long."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=500)
    days: int = 90
    may_push: bool = True


class NewPasswordOut(View):
    """A new password; `secret` is told this once."""

    id: str
    name: str
    user: str
    secret: str
    expires_on: dt.date
