"""Sessions: one interactive server each, from the press of Open to its end."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User


class SessionState(StrEnum):
    """Where a session is; the last two are ends."""

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
    write to it; `folder` is the checkout below their home; `server` is its name at JupyterHub.
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
    state: Mapped[str] = mapped_column(String(16), index=True)
    step: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]

    owner: Mapped[User] = relationship()
