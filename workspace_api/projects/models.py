"""Projects as the workspace knows them; the forge holds the repositories themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base


class Project(Base):
    """A repository that the workspace has seen on the forge, by its path there.

    `visibility` mirrors the forge's (`public`, `internal`, `private`) as of `seen_at`; `newest_commit` is
    that of the default branch after the last push that the forge told of.
    """

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("namespace", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    forge_id: Mapped[int] = mapped_column(unique=True)
    namespace: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    visibility: Mapped[str] = mapped_column(String(16))
    default_branch: Mapped[str] = mapped_column(String(255), default="main")
    seen_at: Mapped[dt.datetime]
    newest_commit: Mapped[str | None] = mapped_column(String(40))
    curation: Mapped[Curation | None] = relationship(back_populates="project")

    @property
    def path(self) -> str:
        """`namespace/name`, as the forge and every address write it."""
        return f"{self.namespace}/{self.name}"


class Snapshot(Base):
    """What one commit of a project holds, read once: a commit never changes.

    `environment_files` names the files that decide its environment; `problems` lists, in words, what in
    `workspace.yaml` or the notebooks could not be used.
    """

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("project_id", "commit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    commit: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(String(80))
    readme: Mapped[str] = mapped_column(Text)
    environment_key: Mapped[str] = mapped_column(ForeignKey("environments.key"))
    resources: Mapped[dict[str, Any]] = mapped_column(JSON)
    problems: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime]
    project: Mapped[Project] = relationship()
    worksheets: Mapped[list[Worksheet]] = relationship(
        back_populates="snapshot", order_by="Worksheet.position", cascade="all, delete-orphan"
    )


class Worksheet(Base):
    """A notebook with parameters, at one commit; `schema` is a JSON Schema 2020-12 object schema."""

    __tablename__ = "worksheets"
    __table_args__ = (UniqueConstraint("snapshot_id", "notebook"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshots.id", ondelete="CASCADE"))
    position: Mapped[int]
    notebook: Mapped[str] = mapped_column(String(500))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    schema: Mapped[dict[str, Any]] = mapped_column(JSON)
    notebook_sha256: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[Snapshot] = relationship(back_populates="worksheets")


class Curation(Base):
    """A project's place on the landing page, pinned to a version."""

    __tablename__ = "curations"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshots.id"))
    version: Mapped[str] = mapped_column(String(255))
    area: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(Text)
    curated_at: Mapped[dt.datetime]
    project: Mapped[Project] = relationship(back_populates="curation")
    snapshot: Mapped[Snapshot] = relationship()
