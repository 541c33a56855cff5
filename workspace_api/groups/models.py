"""Groups, their members, and the numbers that their files belong to."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workspace_api.database import Base
from workspace_api.people.models import User


class GroupNumber(Base):
    """A number (gid) that a group's files belong to. The row outlives the group: no number is given twice."""

    __tablename__ = "group_numbers"

    gid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    group_name: Mapped[str] = mapped_column(String(32))
    given_at: Mapped[dt.datetime]


class Group(Base):
    """A group as it is to be, here and on the forge.

    `revision` grows with every change; `followed` is the revision that the forge was brought to last, and
    `trouble` says why it is behind. `visibility` is that of its namespace on the forge, which bounds that of
    its projects. `removing` is set from the decision to remove a group to the end of it.
    """

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    gid: Mapped[int] = mapped_column(ForeignKey("group_numbers.gid"), unique=True)
    visibility: Mapped[str] = mapped_column(String(16), default="private")
    removing: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=1)
    followed: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[dt.datetime]
    members: Mapped[list[GroupMember]] = relationship(
        back_populates="group", cascade="all, delete-orphan", passive_deletes=True
    )


class GroupMember(Base):
    """Somebody's role in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(8))
    since: Mapped[dt.datetime]
    group: Mapped[Group] = relationship(back_populates="members")
    user: Mapped[User] = relationship()
