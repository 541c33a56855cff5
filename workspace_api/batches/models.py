"""Batches: an uploaded table whose rows were checked, and the runs over it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User
from workspace_api.projects.models import Project


class Batch(Base):
    """A table for one worksheet at one commit; the rows themselves lie in the owner's home.

    `schema` is the worksheet's with what it declares of batches. `parameters` are the values that its runs
    are given beside table and journal, None before the first. `run_ids` are its runs, the last one last.
    `goes_on` says that a run which reaches its time limit is followed by another, `settled_before` how many
    rows were done or failed when the last one was asked for, `halted` why no other follows. `row_values` has
    line and values of each row where each has a run of its own; `run_ids` are these then, in their order.
    """

    __tablename__ = "batches"
    __table_args__ = (Index("batches_owner", "owner_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    commit: Mapped[str] = mapped_column(String(40))
    version: Mapped[str | None] = mapped_column(String(255))
    notebook: Mapped[str] = mapped_column(String(500))
    worksheet_title: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200))
    schema: Mapped[dict[str, Any]] = mapped_column(JSON)
    parameters: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    filename: Mapped[str] = mapped_column(String(200))
    rows: Mapped[int]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    problem_count: Mapped[int]
    repeated: Mapped[int]
    created_at: Mapped[dt.datetime]
    run_ids: Mapped[list[str]] = mapped_column(JSON)
    run_id: Mapped[str | None] = mapped_column(String(24), index=True)
    goes_on: Mapped[bool] = mapped_column(default=False)
    settled_before: Mapped[int] = mapped_column(default=0)
    halted: Mapped[str | None] = mapped_column(Text)
    row_values: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))

    owner: Mapped[User] = relationship()
    project: Mapped[Project] = relationship()
