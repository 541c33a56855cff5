"""Opening a public repository from elsewhere: what will be fetched, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.pages import Pages, WorkspacePages
from landing.projects import openable
from landing.typed import Form, text_of
from workspace_api.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from workspace_api.http import Caller, Services, SignedIn
from workspace_api.imports.views import VISIBILITIES, ImportView, Plan
from workspace_api.projects.views import SnapshotView
from workspace_api.workspace import Workspace

Asked = Annotated[str, Query(max_length=1000)]
FIELDS = ("repo", "ref", "path", "visibility")
TOLD = (InvalidInputError, ConflictError)


router = APIRouter(include_in_schema=False)


@router.get("/open", response_class=HTMLResponse)
def ask(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: Caller,
    repo: Asked = "",
    ref: Asked = "",
    path: Asked = "",
) -> Response:
    """Say what would be fetched, and from where; a project of this workspace is led to at once."""
    typed = {"repo": repo, "ref": ref, "path": path, "visibility": "private"}
    if not repo:
        return _asking(pages, request, services, caller, typed)
    try:
        plan = services.imports.plan(caller, repo, ref, path)
    except InvalidInputError as error:
        return _asking(pages, request, services, caller, typed, error=error)
    if plan.project is not None:
        return RedirectResponse(_place(services, caller, plan.project, ref, path), 303)
    return _asking(pages, request, services, caller, typed, plan=plan)


@router.post("/open", response_class=HTMLResponse)
def go(pages: WorkspacePages, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Have it fetched, and show how far that is."""
    typed = {field: text_of(sent, field).strip() for field in FIELDS}
    visibility = typed["visibility"] if typed["visibility"] in VISIBILITIES else "private"
    try:
        plan = services.imports.plan(caller, typed["repo"])
        if plan.project is not None:
            place = _place(services, caller, plan.project, typed["ref"], typed["path"])
            return RedirectResponse(place, 303)
        made = services.imports.request(
            caller, typed["repo"], ref=typed["ref"], path=typed["path"], visibility=visibility
        )
    except TOLD as error:
        return _asking(pages, request, services, caller, typed, error=error)
    return RedirectResponse(f"/imports/{made.id}?go=1", 303)


@router.get("/imports/{import_id}", response_class=HTMLResponse)
def one(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    import_id: Annotated[str, InPath(pattern=r"^[0-9a-f]{1,24}$")],
    go: Annotated[bool, Query()] = False,
) -> Response:
    """Show how far it is, and once it is there what can be done with it."""
    view = services.imports.get(caller, import_id)
    snapshot, trouble = _snapshot(services, caller, view) if view.state == "ready" else (None, "")
    notebooks = {sheet.notebook for sheet in snapshot.worksheets} if snapshot else set()
    return pages.page(
        request,
        caller,
        "import.html",
        view=view,
        go=go,
        snapshot=snapshot,
        trouble=trouble,
        may_open=openable(caller),
        worksheet=view.path if view.path in notebooks else "",
    )


def _asking(
    pages: Pages,
    request: Request,
    services: Workspace,
    caller: Identity,
    typed: Mapping[str, str],
    *,
    plan: Plan | None = None,
    error: InvalidInputError | ConflictError | None = None,
) -> HTMLResponse:
    return pages.form_page(
        request,
        caller,
        "open.html",
        error,
        plan=plan,
        typed=typed,
        hosts=services.imports.hosts,
        visibilities=VISIBILITIES,
        limit=services.settings.repositories.max_mib,
    )


def _place(services: Workspace, caller: Identity, project: str, ref: str, path: str) -> str:
    """Return the page of a project, or of the worksheet or notebook `path` in it."""
    query = f"?ref={quote(ref)}" if ref else ""
    if not path.endswith(".ipynb"):
        return f"/projects/{quote(project)}{query}"
    snapshot = services.projects.snapshot(caller, project, ref or None)
    kind = "worksheets" if path in {sheet.notebook for sheet in snapshot.worksheets} else "notebooks"
    return f"/projects/{quote(project)}/{kind}/{quote(path)}{query}"


def _snapshot(services: Workspace, caller: Identity, view: ImportView) -> tuple[SnapshotView | None, str]:
    """Return what was fetched holds at the ref that was asked for, or why that cannot be said."""
    try:
        return services.projects.snapshot(caller, view.project, view.ref or view.default_branch), ""
    except (NotFoundError, UnavailableError) as error:
        return None, error.detail
