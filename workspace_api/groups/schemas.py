"""What is asked and answered about groups over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from auth.permissions import Role
from workspace_api.groups.views import GroupView, MemberView, Removed


class GroupSchema(BaseModel):
    """A group; `role` is the caller's own, null for an administrator of the workspace who is no member."""

    name: str
    title: str
    role: Role | None
    members: int
    gid: int = Field(description="The number that its files belong to.")
    storage: str = Field(description="Where members find its files in sessions and runs.")
    trouble: str | None = Field(description="Why the forge has not followed the last change yet.")
    created_at: dt.datetime

    @classmethod
    def of(cls, group: GroupView) -> Self:
        """Answer with a group."""
        return cls(
            name=group.name,
            title=group.title,
            role=group.role,
            members=group.members,
            gid=group.gid,
            storage=str(group.storage),
            trouble=group.trouble or None,
            created_at=group.created_at,
        )


class MemberSchema(BaseModel):
    """A member of a group."""

    name: str
    display_name: str
    role: Role
    since: dt.datetime

    @classmethod
    def of(cls, member: MemberView) -> Self:
        """Answer with a member."""
        return cls(name=member.name, display_name=member.display_name, role=member.role, since=member.since)


class StorageSchema(BaseModel):
    """A group's storage."""

    path: str
    used_bytes: int


class RemovedSchema(BaseModel):
    """A removed group: where its files were moved, and whether the forge has removed it too by now."""

    name: str
    files: str
    done: bool

    @classmethod
    def of(cls, removed: Removed) -> Self:
        """Answer with a removed group."""
        return cls(name=removed.name, files=str(removed.files), done=removed.done)


class NewGroup(BaseModel):
    """A group to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="1 to 32 small letters, digits and single hyphens; begins with a letter.")
    title: str = Field("", description="As it is shown; the name where it is left out.")


class GroupChange(BaseModel):
    """What to change of a group; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = None


class MemberChange(BaseModel):
    """The role a person is to have."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(description="reader, writer or admin.")
