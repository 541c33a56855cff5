"""Which repository from elsewhere a project of the forge is a copy of."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User


class Import(Base):
    """A repository that somebody opened from elsewhere; the forge says how far the copying is.

    `project` is the copy's path on the forge and `forge_id` its number there, None until it was made. `ref`
    and `path` are what was asked for last; `settled` says that the copy's default branch was set to the `ref`
    that it was first asked for with.
    """

    __tablename__ = "imports"
    __table_args__ = (UniqueConstraint("owner_id", "source"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str] = mapped_column(String(500))
    fetched: Mapped[str] = mapped_column(String(510))
    project: Mapped[str] = mapped_column(String(510), index=True)
    forge_id: Mapped[int | None]
    visibility: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255), default="")
    path: Mapped[str] = mapped_column(String(500), default="")
    settled: Mapped[bool] = mapped_column(default=False)
    requested_at: Mapped[dt.datetime]

    owner: Mapped[User] = relationship()
