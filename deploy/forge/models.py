"""The forge's tables, and its transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

SCHEMA_VERSION = 1


def now() -> dt.datetime:
    """Return the present moment in UTC, without its zone, as the tables keep it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Base class of every table."""


class SchemaVersion(Base):
    """Which version of these tables the database holds."""

    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    """An account; the first one is the administrator."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255), unique=True)
    state: Mapped[str] = mapped_column(String(20), default="active")
    admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


class Namespace(Base):
    """Where projects live: a user's own place (`owner_id`), or a group, perhaps below another group."""

    __tablename__ = "namespaces"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(String(255))
    full_path: Mapped[str] = mapped_column(String(1000), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    visibility: Mapped[str] = mapped_column(String(10), default="private")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    parent: Mapped[Namespace | None] = relationship(remote_side=[id])


class Project(Base):
    """A repository with a page; its files are in the folder of its id."""

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("namespace_id", "path"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespaces.id"))
    path: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    visibility: Mapped[str] = mapped_column(String(10), default="private")
    default_branch: Mapped[str] = mapped_column(String(255), default="main")
    topics: Mapped[str] = mapped_column(Text, default="")
    creator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    last_activity_at: Mapped[dt.datetime] = mapped_column(default=now)
    namespace: Mapped[Namespace] = relationship(lazy="joined")

    @property
    def full_path(self) -> str:
        """`namespace/path`, as addresses have it."""
        return f"{self.namespace.full_path}/{self.path}"


class Member(Base):
    """A user's access level in a group or a project: 10 guest, 20 reporter, 30 developer, 40, 50 owner."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("user_id", "namespace_id", "project_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    namespace_id: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    access_level: Mapped[int]
    expires_at: Mapped[dt.date | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship(lazy="joined")


class Token(Base):
    """A personal or impersonation token, kept as the sha256 of its secret."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(255))
    impersonation: Mapped[bool] = mapped_column(default=False)
    revoked: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[dt.date | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    last_used_at: Mapped[dt.datetime | None]
    user: Mapped[User] = relationship(lazy="joined")


class Database:
    """The engine; `session()` is one transaction that ends with its block."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

        @event.listens_for(self._engine, "connect")
        def _on_connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(self._engine, "begin")
        def _on_begin(connection: Any) -> None:
            write = connection.get_execution_options().get("forge_write")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    def prepare(self) -> None:
        """Create the tables; raises RuntimeError for a database of a newer version."""
        Base.metadata.create_all(self._engine)
        with self.session(write=True) as session:
            version = session.scalar(select(SchemaVersion.version))
            if version is None:
                session.add(SchemaVersion(version=SCHEMA_VERSION))
            elif version != SCHEMA_VERSION:
                raise RuntimeError(
                    f"the forge's database has version {version}, this program has {SCHEMA_VERSION}: use the "
                    "program that wrote it"
                )

    @contextmanager
    def session(self, *, write: bool) -> Iterator[Session]:
        """Give a session whose changes are kept if the block ends without an exception."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"forge_write": write})
            yield session
