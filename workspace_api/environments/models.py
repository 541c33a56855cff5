"""Environments by key, and the queue of their builds."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workspace_api.database import Base

STATES = ("wanted", "building", "ready", "failed", "removed")


class Environment(Base):
    """What a set of environment files builds.

    `files` maps each file's path to its text, so that a build needs nothing but this row. A failed
    environment keeps its `error` and is built again only when somebody asks; one that was removed to make
    room is built again as soon as something needs it. `builder` says in a few words what makes it.
    """

    __tablename__ = "environments"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    files: Mapped[dict[str, str]] = mapped_column(JSON)
    builder: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16), default="wanted", index=True)
    error: Mapped[str | None] = mapped_column(Text)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_expires_at: Mapped[dt.datetime | None]
    wanted_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None]
