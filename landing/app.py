"""Adds the pages to the web application."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from landing import (
    alphagenome,
    batches,
    changes,
    environments,
    genome,
    groups,
    home,
    imports,
    keys,
    mine,
    new_project,
    projects,
    proposals,
    runs,
    sessions,
    status,
    worksheets,
)
from landing.assets import Assets
from landing.pages import Pages, pages_of
from landing.shelf import Shelf
from workspace_api.problems import Problem
from workspace_api.workspace import Workspace

REMEMBERED_SECONDS = 3.0
CAPABILITIES = (
    home,
    worksheets,
    new_project,
    projects,
    changes,
    proposals,
    runs,
    genome,
    batches,
    mine,
    keys,
    groups,
    sessions,
    imports,
    status,
    environments,
    alphagenome,
)


def add_pages(
    app: FastAPI, workspace: Workspace, node_modules: Path, *, remembered_seconds: float = REMEMBERED_SECONDS
) -> None:
    """Add every page to `app`, the application of `workspace`; htmx and igv.js come out of `node_modules`.

    What the landing page tells of worksheets may be `remembered_seconds` old. The application shows its
    errors by `render_problem` once the pages are there.
    """
    assets = Assets(node_modules)
    app.state.pages = Pages(workspace.settings, assets)
    app.state.shelf = Shelf(workspace, remembered_seconds)
    app.state.memories = {}
    app.include_router(_static(assets))
    for capability in CAPABILITIES:
        app.include_router(capability.router)


def render_problem(request: Request, problem: Problem) -> Response:
    """Return the page that shows a problem; to be given to `create_app` of an application with pages."""
    return pages_of(request).error_page(request, problem.status, problem=problem)


def _static(assets: Assets) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name:path}")
    async def static(request: Request, name: str) -> Response:
        """Give a file that pages load."""
        return assets.answer(request, name)

    @router.get("/favicon.ico")
    async def mark(request: Request) -> Response:
        """Give the mark, for browsers that ask for it unasked."""
        return assets.answer(request, "mark.svg")

    return router
