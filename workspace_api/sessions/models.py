"""Sessions: one interactive server each, from the press of Open to its end."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User


class SessionState(StrEnum):
    """Where a session is; the last two are ends."""

    WAITING = "waiting"
    PREPARING = "preparing"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to a session in this state."""
        return self in (SessionState.STOPPED, SessionState.FAILED)


class WorkSession(Base):
    """One interactive server of `owner` on `project`.

    `checkout_of` is the project that is checked out: the person's fork, or `project` itself where they may
    write to it; `folder` is the checkout below their home; `server` is its name at JupyterHub. `limits` are
    those of its `size` when it was opened. JupyterHub was asked for the server `asks` times, last at
    `asked_at`; `control` is the name of the server's control folder. `ended_because` says in words why it was
    ended, where nobody asked for that.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_owner", "owner_id", "opened_at"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    project: Mapped[str] = mapped_column(String(510))
    kind: Mapped[str] = mapped_column(String(16))
    server: Mapped[str] = mapped_column(String(30))
    checkout_of: Mapped[str | None] = mapped_column(String(510))
    environment_key: Mapped[str | None] = mapped_column(String(64))
    folder: Mapped[str | None] = mapped_column(String(300))
    size: Mapped[str] = mapped_column(String(40), default="standard")
    limits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    control: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(16), index=True)
    step: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str | None] = mapped_column(Text)
    ended_because: Mapped[str | None] = mapped_column(Text)
    asks: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[dt.datetime | None]
    opened_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]

    owner: Mapped[User] = relationship()
