"""Branches and tags that moved and were not looked at since."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.projects.models import Project


class Push(Base):
    """A branch or tag of a project that moved; however often it moves, it is one row until it is read.

    `count` says how often, so that a push during the reading is not lost; `tries` how often it was read in
    vain.
    """

    __tablename__ = "pushes"
    __table_args__ = (UniqueConstraint("project_id", "ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(String(255))
    count: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[dt.datetime] = mapped_column(index=True)

    project: Mapped[Project] = relationship()
