"""One's own copy of a project, and what is proposed to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.pages import Pages, WorkspacePages
from landing.projects import openable
from landing.typed import Form, text_of
from workspace_api.errors import ConflictError, InvalidInputError, NotFoundError, WorkspaceError
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.proposals.views import Done
from workspace_api.workspace import Workspace

Part = Annotated[str, InPath(max_length=255)]
Number = Annotated[int, InPath(ge=1, le=1_000_000_000)]
FIELDS = ("message", "tag", "version", "title", "description")
TOLD = (ConflictError, InvalidInputError, NotFoundError)


router = APIRouter(include_in_schema=False, prefix="/projects/{namespace}/{name}")


def shown(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    path: str,
    *,
    done: Done | None = None,
    did: str = "",
    error: WorkspaceError | None = None,
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Show one's copy with what was just done to it, or why that was not possible."""
    mine = services.sessions.copies.of(caller, path)
    return pages.form_page(
        request,
        caller,
        "copy.html",
        error,
        project=services.projects.get(caller, path),
        copy=mine,
        may_open=openable(caller),
        source=services.imports.source_of(mine.checkout_of or path) if mine is not None else None,
        done=done,
        did=did,
        typed={field: (typed or {}).get(field, "") for field in FIELDS},
    )


@router.get("/copy", response_class=HTMLResponse)
def copy(
    pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, namespace: Part, name: Part
) -> Response:
    """Show what one can do with one's own copy; that of a fork is with the project it comes from."""
    path = f"{namespace}/{name}"
    mine = services.sessions.copies.of(caller, path)
    if mine is not None and mine.checkout_of == path != mine.project:
        return RedirectResponse(f"/projects/{mine.project}/copy", 303)
    return shown(pages, request, services, caller, path)


@router.post("/copy/{what}", response_class=HTMLResponse)
def act(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    namespace: Part,
    name: Part,
    what: Part,
    sent: Form,
) -> Response:
    """Save a version, get updates, go back, or propose; then say what was done."""
    path = f"{namespace}/{name}"
    typed = {field: text_of(sent, field) for field in FIELDS}
    try:
        if what == "propose":
            made = services.proposals.propose(caller, path, typed["title"], typed["description"])
            return RedirectResponse(f"/projects/{path}/proposals/{made.number}", 303)
        if what == "save":
            insist = [value for value in sent.getlist("insist") if isinstance(value, str)]
            done = services.proposals.save_version(
                caller, path, typed["message"], typed["tag"] or None, insist
            )
        elif what == "update":
            done = services.proposals.get_updates(caller, path)
        elif what == "return":
            done = services.proposals.go_back(caller, path, typed["version"])
        else:
            raise NotFoundError(f"There is nothing called “{what[:40]}” to do with a copy.")
    except TOLD as error:
        return shown(pages, request, services, caller, path, error=error, typed=typed)
    return shown(pages, request, services, caller, path, done=done, did=what)


@router.get("/proposals", response_class=HTMLResponse)
def proposals(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    state: Annotated[str, Query(max_length=10)] = "open",
) -> HTMLResponse:
    """List what is proposed."""
    path = f"{namespace}/{name}"
    chosen = "all" if state == "all" else "open"
    found = services.proposals.of(caller, path, chosen)
    return pages.page(request, caller, "proposals.html", path=path, proposals=found, chosen=chosen)


@router.get("/proposals/{number}", response_class=HTMLResponse)
def proposal(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    number: Number,
) -> HTMLResponse:
    """Show a proposal with its changes."""
    path = f"{namespace}/{name}"
    whole = services.proposals.get(caller, path, number)
    return pages.page(
        request,
        caller,
        "proposal.html",
        path=path,
        proposal=whole.proposal,
        changes=whole.changes,
        remarks=whole.remarks,
        may_settle=services.proposals.may_settle(caller, path),
        awaits=services.proposals.awaits_curation(caller, path, whole.proposal),
        mine=whole.proposal.author == caller.user,
    )


@router.post("/proposals/{number}/accept")
def accept(
    services: Services, caller: SignedIn, namespace: Part, name: Part, number: Number, sent: Form
) -> Response:
    """Take a proposal into the project."""
    path = f"{namespace}/{name}"
    services.proposals.accept(caller, path, number, text_of(sent, "commit"))
    return RedirectResponse(f"/projects/{path}/proposals/{number}", 303)


@router.post("/proposals/{number}/decline")
def decline(
    services: Services, caller: SignedIn, namespace: Part, name: Part, number: Number, sent: Form
) -> Response:
    """Decline or withdraw a proposal."""
    path = f"{namespace}/{name}"
    services.proposals.decline(caller, path, number, text_of(sent, "reason"))
    return RedirectResponse(f"/projects/{path}/proposals/{number}", 303)
