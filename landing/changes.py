"""What changed in one's own copy of a project, and its earlier versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import HTMLResponse

from landing.pages import WorkspacePages
from workspace_api.errors import ConflictError
from workspace_api.http import Services, SignedIn

Part = Annotated[str, InPath(max_length=255)]
Version = Annotated[str, Query(max_length=100)]


router = APIRouter(include_in_schema=False, prefix="/projects/{namespace}/{name}")


@router.get("/copy/changes", response_class=HTMLResponse)
def changes(
    pages: WorkspacePages,
    request: Request,
    services: Services,
    caller: SignedIn,
    namespace: Part,
    name: Part,
    before: Version = "",
    after: Version = "",
) -> HTMLResponse:
    """Show what differs in one's copy, and its earlier versions."""
    path = f"{namespace}/{name}"
    seen: dict[str, object] = {"before": before, "after": after, "refusal": ""}
    status = 200
    try:
        seen["history"] = services.proposals.history(caller, path).versions
        seen["changes"] = services.proposals.what_changed(caller, path, before, after)
    except ConflictError as error:
        seen["refusal"], status = error.detail, error.status
    project = services.projects.get(caller, path)
    return pages.page(request, caller, "changes.html", status=status, project=project, **seen)
