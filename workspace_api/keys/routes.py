"""Keys and passwords for git over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from workspace_api.http import Caller, Listing, Services
from workspace_api.keys.schemas import KeyOut, NewKey, NewPasswordIn, NewPasswordOut, PasswordOut

router = APIRouter(tags=["keys"])
Id = Annotated[str, InPath(max_length=20)]


@router.get("/keys")
def keys(services: Services, caller: Caller) -> Listing[KeyOut]:
    """List the caller's SSH keys."""
    items = [KeyOut.model_validate(key) for key in services.keys.keys(caller)]
    return Listing[KeyOut](items=items, total=len(items), page=1, per_page=max(len(items), 1))


@router.post("/keys", status_code=201)
def add(services: Services, caller: Caller, body: NewKey) -> KeyOut:
    """Keep the public half of an SSH key."""
    return KeyOut.model_validate(services.keys.add(caller, body.title, body.key))


@router.delete("/keys/{key_id}", status_code=204)
def remove(services: Services, caller: Caller, key_id: Id) -> None:
    """Forget a key."""
    services.keys.remove(caller, key_id)


@router.get("/git-passwords")
def passwords(services: Services, caller: Caller) -> Listing[PasswordOut]:
    """List the caller's passwords for git that still work."""
    items = [PasswordOut.model_validate(password) for password in services.keys.passwords(caller)]
    return Listing[PasswordOut](items=items, total=len(items), page=1, per_page=max(len(items), 1))


@router.post("/git-passwords", status_code=201)
def make(services: Services, caller: Caller, body: NewPasswordIn, response: Response) -> NewPasswordOut:
    """Make a password for git; the answer alone has it."""
    response.headers["Cache-Control"] = "no-store"
    made = services.keys.make_password(caller, body.name, days=body.days, may_push=body.may_push)
    return NewPasswordOut.model_validate(made)


@router.delete("/git-passwords/{password_id}", status_code=204)
def revoke(services: Services, caller: Caller, password_id: Id) -> None:
    """Make a password worthless."""
    services.keys.revoke_password(caller, password_id)
