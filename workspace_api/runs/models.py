"""Runs: one execution of a worksheet each; the table is also the queue."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User
from workspace_api.projects.models import Project


class RunState(StrEnum):
    """Where a run is; the last three are ends."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to a run in this state."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class Run(Base):
    """One execution of a worksheet with resolved parameters.

    `lease_owner`, `lease_expires_at` and `attempt` fence the worker that may change the row: an update
    names the owner and the attempt it was claimed with. `cached_from` names the earlier run that answered
    this request. `schema` is the worksheet's, of which `parameters` holds every value. `visitor` is set on a
    public visitor's run, whose owner is the workspace's own account. `limit_reached` names the limit that
    ended it, such as `time`.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_queue", "state", "requested_at"),
        Index("runs_cache", "cache_key", "state"),
        Index("runs_owner", "owner_id", "requested_at"),
    )

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    visitor: Mapped[str | None] = mapped_column(String(64), index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    commit: Mapped[str] = mapped_column(String(40))
    version: Mapped[str | None] = mapped_column(String(255))
    notebook: Mapped[str] = mapped_column(String(500))
    notebook_sha256: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    worksheet_title: Mapped[str] = mapped_column(String(200))
    schema: Mapped[dict[str, Any]] = mapped_column(JSON)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    environment_key: Mapped[str] = mapped_column(ForeignKey("environments.key"))
    backend: Mapped[str] = mapped_column(String(40))
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    public: Mapped[bool] = mapped_column(default=False)
    example: Mapped[bool] = mapped_column(default=False)
    cache_key: Mapped[str] = mapped_column(String(64))
    cached_from: Mapped[str | None] = mapped_column(String(24))

    state: Mapped[str] = mapped_column(String(16), default=RunState.QUEUED)
    cell: Mapped[int] = mapped_column(default=0)
    cells: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str | None] = mapped_column(Text)
    limit_reached: Mapped[str | None] = mapped_column(String(16))
    cancel_requested_at: Mapped[dt.datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_expires_at: Mapped[dt.datetime | None]
    requested_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    peak_memory_bytes: Mapped[int | None] = mapped_column(BigInteger)

    owner: Mapped[User] = relationship()
    project: Mapped[Project] = relationship()
