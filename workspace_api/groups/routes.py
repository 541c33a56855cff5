"""Groups over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from nfs.mounts import SHARED
from workspace_api.groups.schemas import (
    GroupChange,
    GroupSchema,
    MemberChange,
    MemberSchema,
    NewGroup,
    RemovedSchema,
    StorageSchema,
)
from workspace_api.http import Listing, Paging, Services, SignedIn

router = APIRouter(tags=["groups"])
Name = Annotated[str, InPath(max_length=64)]
Everyones = Annotated[
    bool, Query(alias="all", description="Every group of the workspace, for administrators.")
]


@router.get("/groups")
def groups(
    services: Services, caller: SignedIn, paging: Paging, everyones: Everyones = False
) -> Listing[GroupSchema]:
    """List your groups by name."""
    page = services.groups.overview(caller, paging.page, paging.per_page, everyones=everyones)
    return Listing[GroupSchema].of(page, GroupSchema.of)


@router.post("/groups", status_code=201)
def create_group(services: Services, caller: SignedIn, new: NewGroup) -> GroupSchema:
    """Make a group; you are its admin."""
    return GroupSchema.of(services.groups.create(caller, new.name, new.title))


@router.get("/groups/{name}")
def group(services: Services, caller: SignedIn, name: Name) -> GroupSchema:
    """Return a group of yours."""
    return GroupSchema.of(services.groups.get(caller, name))


@router.patch("/groups/{name}")
def change_group(services: Services, caller: SignedIn, name: Name, change: GroupChange) -> GroupSchema:
    """Change a group's title, as one of its admins."""
    return GroupSchema.of(services.groups.change(caller, name, title=change.title))


@router.delete("/groups/{name}")
def remove_group(
    services: Services,
    caller: SignedIn,
    name: Name,
    confirm: Annotated[str, Query(max_length=64, description="The group's name again.")] = "",
) -> RemovedSchema:
    """Remove a group that owns no project, as one of its admins; its files are moved aside, never deleted."""
    return RemovedSchema.of(services.groups.delete(caller, name, confirm=confirm))


@router.get("/groups/{name}/storage")
def storage(services: Services, caller: SignedIn, name: Name) -> StorageSchema:
    """Say where a group's files are and how much they take up."""
    return StorageSchema(path=str(SHARED / name), used_bytes=services.groups.used_bytes(caller, name))


@router.get("/groups/{name}/members")
def members(services: Services, caller: SignedIn, name: Name, paging: Paging) -> Listing[MemberSchema]:
    """List a group's members by name."""
    return Listing[MemberSchema].of(
        services.groups.members(caller, name, paging.page, paging.per_page), MemberSchema.of
    )


@router.put("/groups/{name}/members/{user}")
def set_member(
    services: Services, caller: SignedIn, name: Name, user: Name, change: MemberChange
) -> MemberSchema:
    """Add a person to a group or change their role, as one of its admins."""
    return MemberSchema.of(services.groups.set_member(caller, name, user, change.role))


@router.delete("/groups/{name}/members/{user}", status_code=204)
def remove_member(services: Services, caller: SignedIn, name: Name, user: Name) -> None:
    """Take a person out of a group, as one of its admins, or leave it yourself."""
    services.groups.remove_member(caller, name, user)
