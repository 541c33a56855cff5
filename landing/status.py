"""How the workspace is, part by part, in words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from landing.memory import Memory, Remembered
from landing.pages import WorkspacePages
from workspace_api.health import Part, examine
from workspace_api.http import Caller, Services

REMEMBERED_SECONDS = 5.0
NAMES = {
    "database": ("Database", "keeps runs, people and the catalogue"),
    "forge": ("Projects", "the forge that holds every project's history"),
    "hub": ("Sign-in", "JupyterHub, which knows the accounts"),
    "worker": ("Runs", "the worker that builds environments and computes"),
    "gateway": ("AlphaGenome", "the gateway that answers predictions"),
    "disk": ("Disk", "where results, environments and homes are"),
}


Told = Annotated[Memory[list[Part]], Depends(Remembered("parts", REMEMBERED_SECONDS))]
router = APIRouter(include_in_schema=False)


@router.get("/status", response_class=HTMLResponse)
def status(
    pages: WorkspacePages, told: Told, request: Request, services: Services, caller: Caller
) -> HTMLResponse:
    """Say how each part is."""
    parts = told.get("parts", lambda: examine(services))
    shown = [(*NAMES.get(part.name, (part.name.capitalize(), "")), part) for part in parts]
    return pages.page(
        request,
        caller,
        "status.html",
        examined=shown,
        all_well=all(part.ok for part in parts),
        environments=services.environments.count_by_state(),
    )
