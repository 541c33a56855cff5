"""Personal tokens, stored as hashes."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workspace_api.database import Base


class Token(Base):
    """A secret that stands for its user within `scopes`, until it expires or is revoked.

    `run_id` is set on the token that a run or session carries, which is revoked when that ends.
    `git_password_at` is when a password for git was last asked for with it, None where the forge has none
    that works.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        Index(
            "tokens_git_password",
            "git_password_at",
            sqlite_where=text("git_password_at IS NOT NULL"),
            postgresql_where=text("git_password_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[str | None] = mapped_column(String(24), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None]
    git_password_at: Mapped[dt.datetime | None]
