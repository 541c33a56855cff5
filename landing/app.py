"""Adds the pages to the web application."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from landing.alphagenome import alphagenome_pages
from landing.assets import Assets
from landing.batches import batch_pages
from landing.changes import change_pages
from landing.environments import environment_pages
from landing.genome import genome_pages
from landing.groups import group_pages
from landing.home import home_pages
from landing.imports import import_pages
from landing.keys import key_pages
from landing.mine import own_pages
from landing.new_project import new_project_pages
from landing.pages import Pages
from landing.projects import project_pages
from landing.proposals import proposal_pages
from landing.runs import run_pages
from landing.sessions import session_pages
from landing.shelf import Shelf
from landing.status import status_pages
from landing.worksheets import worksheet_pages
from workspace_api.problems import Problem
from workspace_api.workspace import Workspace

REMEMBERED_SECONDS = 3.0


def add_pages(
    app: FastAPI, workspace: Workspace, node_modules: Path, *, remembered_seconds: float = REMEMBERED_SECONDS
) -> None:
    """Add every page to `app`, the application of `workspace`; htmx and igv.js come out of `node_modules`.

    What the landing page tells of worksheets may be `remembered_seconds` old. The application shows its
    errors by `render_problem` once the pages are there.
    """
    assets = Assets(node_modules)
    pages = Pages(workspace.settings, assets)
    shelf = Shelf(workspace, remembered_seconds)
    app.state.pages = pages
    app.include_router(_static(assets))
    for router in (
        home_pages(pages, shelf),
        worksheet_pages(pages, shelf),
        new_project_pages(pages),
        project_pages(pages),
        change_pages(pages),
        proposal_pages(pages),
        run_pages(pages),
        genome_pages(pages),
        batch_pages(pages),
        own_pages(pages),
        key_pages(pages),
        group_pages(pages),
        session_pages(pages),
        import_pages(pages),
        status_pages(pages),
        environment_pages(pages),
        alphagenome_pages(pages),
    ):
        app.include_router(router)


def render_problem(request: Request, problem: Problem) -> Response:
    """Return the page that shows a problem; to be given to `create_app` of an application with pages."""
    pages: Pages = request.app.state.pages
    return pages.error_page(request, problem.status, problem=problem)


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
