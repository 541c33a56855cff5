"""Environments: one with all that is known of it, and for administrators the list of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from landing.pages import WorkspacePages
from landing.typed import Form, text_of
from workspace_api.environments.details import chosen, details_of
from workspace_api.environments.models import STATES
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.signin.next_page import local_page

Key = Annotated[str, InPath(pattern=r"^[0-9a-z]{1,64}$")]
Text = Annotated[str, Query(max_length=200)]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
PACKAGES_ON_A_PAGE = 50
ENVIRONMENTS_ON_A_PAGE = 30


router = APIRouter(include_in_schema=False, prefix="/environments")


@router.get("", response_class=HTMLResponse)
def environments(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    q: Text = "",
    state: Text = "",
    page: Number = 1,
    removed: Number | None = None,
) -> HTMLResponse:
    """List every environment, and what the next collection would remove."""
    kept = state if state in STATES else ""
    listed = services.environments.list(
        caller, q=q.strip(), state=kept or None, page=page, per_page=ENVIRONMENTS_ON_A_PAGE
    )
    leaving = services.environments.surplus(caller)
    return pages.page(
        request,
        caller,
        "environments.html",
        environments=listed,
        leaving=leaving,
        leaving_bytes=sum(each.size_bytes for each in leaving),
        removed=removed,
        states=STATES,
        chosen=kept,
        q=q.strip(),
        keep=services.settings.environments,
    )


@router.post("/surplus/remove")
def free_surplus(services: Services, caller: SignedIn, _sent: Form) -> Response:
    """Remove at once what the next collection would."""
    removed = services.environments.free_surplus(caller)
    return RedirectResponse(f"/environments?removed={len(removed)}" if removed else "/environments", 303)


@router.get("/{key}", response_class=HTMLResponse)
def environment(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    key: Key,
    q: Text = "",
    page: Number = 1,
) -> HTMLResponse:
    """Show what an environment is made of, how its build went, and who uses it."""
    details = details_of(services, caller, key)
    packages = details.packages
    found = None if packages is None else chosen(packages, q=q, page=page, per_page=PACKAGES_ON_A_PAGE)
    return pages.page(
        request,
        caller,
        "environment.html",
        details=details,
        environment=details.environment,
        packages=found,
        packages_total=len(packages or {}),
        q=q,
    )


@router.post("/{key}/rebuild")
def rebuild(services: Services, caller: Caller, sent: Form, key: Key) -> Response:
    """Queue it again, and go back to the page that asked."""
    services.environments.rebuild(caller, key)
    return RedirectResponse(local_page(text_of(sent, "back")), 303)


@router.post("/{key}/cancel")
def cancel(services: Services, caller: Caller, _sent: Form, key: Key) -> Response:
    """Stop its build."""
    services.environments.cancel(caller, key)
    return RedirectResponse(f"/environments/{key}", 303)


@router.post("/{key}/remove")
def remove(services: Services, caller: Caller, _sent: Form, key: Key) -> Response:
    """Remove it to make room."""
    services.environments.free(caller, key)
    return RedirectResponse(f"/environments/{key}", 303)
