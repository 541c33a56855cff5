"""One's own SSH keys and passwords for git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.pages import Pages, WorkspacePages
from landing.typed import Form, text_of
from workspace_api.errors import InvalidInputError
from workspace_api.http import Services, SignedIn
from workspace_api.keys.service import NewPassword
from workspace_api.workspace import Workspace

FIELDS = ("name", "days", "title", "key")
DAYS = (30, 90, 365)
Id = Annotated[str, InPath(max_length=20)]


router = APIRouter(include_in_schema=False, prefix="/me/keys")


@router.get("", response_class=HTMLResponse)
def keys(pages: WorkspacePages, request: Request, services: Services, caller: SignedIn) -> HTMLResponse:
    """List one's own keys and passwords."""
    return _page(pages, request, services, caller)


@router.post("/passwords", response_class=HTMLResponse)
def make(
    pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, sent: Form
) -> HTMLResponse:
    """Make a password and show it, this once."""
    typed = {field: text_of(sent, field) for field in FIELDS}
    days = int(typed["days"]) if typed["days"].isdecimal() and len(typed["days"]) < 5 else 0
    try:
        new = services.keys.make_password(
            caller, typed["name"], days=days, may_push=bool(text_of(sent, "may_push"))
        )
    except InvalidInputError as error:
        return _page(pages, request, services, caller, typed=typed, error=error)
    return _page(pages, request, services, caller, new=new)


@router.post("/passwords/{password_id}/revoke")
def revoke(services: Services, caller: SignedIn, password_id: Id) -> Response:
    """Revoke a password."""
    services.keys.revoke_password(caller, password_id)
    return RedirectResponse("/me/keys", 303)


@router.post("", response_class=HTMLResponse)
def add(
    pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, sent: Form
) -> Response:
    """Keep a key."""
    typed = {field: text_of(sent, field) for field in FIELDS}
    try:
        services.keys.add(caller, typed["title"], typed["key"])
    except InvalidInputError as error:
        kept = {**typed, "key": "" if "PRIVATE" in typed["key"] else typed["key"]}
        return _page(pages, request, services, caller, typed=kept, error=error)
    return RedirectResponse("/me/keys", 303)


@router.post("/{key_id}/remove")
def remove(services: Services, caller: SignedIn, key_id: Id) -> Response:
    """Forget a key."""
    services.keys.remove(caller, key_id)
    return RedirectResponse("/me/keys", 303)


def _page(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    *,
    typed: Mapping[str, str] | None = None,
    new: NewPassword | None = None,
    error: InvalidInputError | None = None,
) -> HTMLResponse:
    return pages.form_page(
        request,
        caller,
        "keys.html",
        error,
        keys=services.keys.keys(caller),
        passwords=services.keys.passwords(caller),
        speaks_ssh=services.keys.speaks_ssh,
        example=services.forge.public_address("genomics/alphagenome"),
        days=DAYS,
        new=new,
        typed={field: (typed or {}).get(field, "") for field in FIELDS},
    )
