"""Making a project."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from auth.permissions import Action, NamespaceFacts
from landing.pages import Pages, WorkspacePages
from landing.typed import Form, text_of
from workspace_api.errors import ConflictError, InvalidInputError, WorkspaceError
from workspace_api.guard import require
from workspace_api.http import Services, SignedIn
from workspace_api.projects.starting import LONGEST_NAME
from workspace_api.workspace import Workspace

FIELDS = ("name", "title", "template", "group", "visibility")
TOLD = (InvalidInputError, ConflictError)


router = APIRouter(include_in_schema=False)


@router.get("/projects/new", response_class=HTMLResponse)
def ask(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    group: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """Ask what the project is to be."""
    require(caller, Action.CREATE_PROJECT, NamespaceFacts(own=True), "make projects")
    return _page(pages, request, services, caller, {"group": group, "visibility": "private"})


@router.post("/projects/new", response_class=HTMLResponse)
def make(
    pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, sent: Form
) -> Response:
    """Make it, and show it."""
    typed = {field: text_of(sent, field) for field in FIELDS}
    typed["name"] = typed["name"] or name_of(typed["title"])
    try:
        made = services.creation.create(caller, **typed)
    except TOLD as error:
        return _page(pages, request, services, caller, typed, error=error)
    return RedirectResponse(f"/projects/{made.path}", 303)


def name_of(title: str) -> str:
    """Return a project's name made of its title; empty where the title has no Latin letter and no digit."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")


def _page(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    typed: Mapping[str, str],
    *,
    error: WorkspaceError | None = None,
) -> HTMLResponse:
    return pages.form_page(
        request,
        caller,
        "new_project.html",
        error,
        typed={field: typed.get(field, "") for field in FIELDS},
        templates=services.creation.templates,
        groups=services.creation.groups_of(caller),
        may_import=services.imports.offered_to(caller),
    )
