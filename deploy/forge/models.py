"""The forge's tables, and its transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    event,
    inspect,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

SCHEMA_VERSION = 3
# What each version adds to tables that exist already; tables that are new are made by themselves.
UPGRADES: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE projects ADD COLUMN forked_from_id INTEGER REFERENCES projects (id)",
        "ALTER TABLE projects ADD COLUMN network_id INTEGER",
        "ALTER TABLE projects ADD COLUMN watched BOOLEAN NOT NULL DEFAULT 0",
    ),
    3: (),
}


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
    forked_from_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    network_id: Mapped[int | None]  # the first project of a family of forks, which may be gone
    watched: Mapped[bool] = mapped_column(default=False)  # whether `known_refs` says where its refs were
    namespace: Mapped[Namespace] = relationship(lazy="joined")
    forked_from: Mapped[Project | None] = relationship(remote_side=[id])

    @property
    def full_path(self) -> str:
        """`namespace/path`, as addresses have it."""
        return f"{self.namespace.full_path}/{self.path}"


class Import(Base):
    """Where a project's repository is to come from, and how far that is: GitLab's words."""

    __tablename__ = "imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    url: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default="scheduled")
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


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


class RetiredProject(Base):
    """The id of a project that was deleted; no other project gets it, for whoever still remembers it."""

    __tablename__ = "retired_projects"
    id: Mapped[int] = mapped_column(primary_key=True)


class KnownRef(Base):
    """Where a branch or tag was when hooks and merge requests last heard of it."""

    __tablename__ = "known_refs"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    ref: Mapped[str] = mapped_column(Text, primary_key=True)
    sha: Mapped[str] = mapped_column(String(40))


class Push(Base):
    """A ref that a push under way asks to move, written down before git sees it: who, and where to."""

    __tablename__ = "pushes"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(Text)
    sha: Mapped[str] = mapped_column(String(40))


class MergeRequest(Base):
    """A wish to merge a branch into another one, of the same project or of its family of forks."""

    __tablename__ = "merge_requests"
    __table_args__ = (UniqueConstraint("target_project_id", "iid"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    iid: Mapped[int]
    target_project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    source_project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", ondelete="SET NULL"), index=True
    )
    target_branch: Mapped[str] = mapped_column(String(255))
    source_branch: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default="opened")
    squash: Mapped[bool] = mapped_column(default=False)
    remove_source_branch: Mapped[bool] = mapped_column(default=False)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    merged_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    merge_commit_sha: Mapped[str | None] = mapped_column(String(40))
    squash_commit_sha: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now)
    merged_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    target: Mapped[Project] = relationship(foreign_keys=[target_project_id])
    source: Mapped[Project | None] = relationship(foreign_keys=[source_project_id])
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    merged_by: Mapped[User | None] = relationship(foreign_keys=[merged_by_id])
    closed_by: Mapped[User | None] = relationship(foreign_keys=[closed_by_id])
    versions: Mapped[list[MergeRequestVersion]] = relationship(
        order_by="MergeRequestVersion.id", passive_deletes=True
    )

    @property
    def newest(self) -> MergeRequestVersion:
        """What it proposes now."""
        return self.versions[-1]


class MergeRequestVersion(Base):
    """What a merge request proposed from one push of its source branch to the next."""

    __tablename__ = "merge_request_versions"
    id: Mapped[int] = mapped_column(primary_key=True)
    merge_request_id: Mapped[int] = mapped_column(
        ForeignKey("merge_requests.id", ondelete="CASCADE"), index=True
    )
    head_sha: Mapped[str] = mapped_column(String(40))
    base_sha: Mapped[str] = mapped_column(String(40))
    start_sha: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


class Note(Base):
    """What somebody said about a merge request."""

    __tablename__ = "notes"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    merge_request_id: Mapped[int] = mapped_column(
        ForeignKey("merge_requests.id", ondelete="CASCADE"), index=True
    )
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now)
    author: Mapped[User] = relationship(lazy="joined")


class Hook(Base):
    """An address that is told of events: of one project, or of all of them (`project_id` None).

    `trusted` says that an administrator gave the address, which may then be one of the local network.
    """

    __tablename__ = "hooks"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    token: Mapped[str] = mapped_column(Text, default="")
    push_events: Mapped[bool] = mapped_column(default=True)
    tag_push_events: Mapped[bool] = mapped_column(default=False)
    merge_requests_events: Mapped[bool] = mapped_column(default=False)
    enable_ssl_verification: Mapped[bool] = mapped_column(default=True)
    trusted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


class Delivery(Base):
    """An event on its way to a hook; it goes when it has arrived, and stays a while when it cannot."""

    __tablename__ = "deliveries"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    hook_id: Mapped[int] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(30))
    uuid: Mapped[str] = mapped_column(String(36))
    body: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[dt.datetime | None] = mapped_column(default=now, index=True)  # None: given up
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    hook: Mapped[Hook] = relationship(lazy="joined")


class Key(Base):
    """The public half of a person's SSH key."""

    __tablename__ = "keys"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(255))
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[dt.date | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


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
        """Make the tables, or bring those of an older version up to date, in one step.

        Raises RuntimeError for a database of a newer version, and leaves that as it is.
        """
        with self.session(write=True) as session:
            connection = session.connection()
            known = inspect(connection).has_table(SchemaVersion.__tablename__)
            found = session.scalar(select(SchemaVersion.version)) if known else None
            if found is not None and found > SCHEMA_VERSION:
                raise RuntimeError(
                    f"the forge's database has version {found}, this program has {SCHEMA_VERSION}: use the "
                    "program that wrote it"
                )
            for version in range((found or SCHEMA_VERSION) + 1, SCHEMA_VERSION + 1):
                for statement in UPGRADES[version]:
                    connection.exec_driver_sql(statement)
            Base.metadata.create_all(connection)
            session.execute(delete(SchemaVersion))
            session.add(SchemaVersion(version=SCHEMA_VERSION))

    @contextmanager
    def session(self, *, write: bool) -> Iterator[Session]:
        """Give a session whose changes are kept if the block ends without an exception."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"forge_write": write})
            yield session
