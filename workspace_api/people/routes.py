"""People over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from workspace_api.http import Caller, Listing, Paging, Services
from workspace_api.people.schemas import Me, NewPerson, PersonChange, PersonSchema

router = APIRouter(tags=["people"])
Name = Annotated[str, InPath(max_length=64)]


@router.get("/me")
def me(services: Services, caller: Caller) -> Me:
    """Say who is asking."""
    if caller.user is None:
        return Me.of(caller, None, ())
    return Me.of(caller, services.people.find(caller.user), services.groups.of(caller.user))


@router.get("/people")
def people(services: Services, caller: Caller, paging: Paging) -> Listing[PersonSchema]:
    """List every account, for administrators."""
    return Listing[PersonSchema].of(
        services.people.list(caller, paging.page, paging.per_page), PersonSchema.of
    )


@router.post("/people", status_code=201)
def add_person(services: Services, caller: Caller, new: NewPerson) -> PersonSchema:
    """Make an account, as an administrator."""
    return PersonSchema.of(
        services.people.add_person(
            caller,
            new.name,
            password=new.password.get_secret_value(),
            display_name=new.display_name,
            level=new.level,
            admin=new.admin,
        )
    )


@router.patch("/people/{name}")
def change_person(services: Services, caller: Caller, name: Name, change: PersonChange) -> PersonSchema:
    """Change a person's password, level or rights, or close their account, as an administrator."""
    return PersonSchema.of(
        services.people.change(
            caller,
            name,
            password=change.password.get_secret_value() if change.password else None,
            level=change.level,
            admin=change.admin,
            disabled=change.disabled,
        )
    )
