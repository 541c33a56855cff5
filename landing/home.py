"""The landing page: what would you like to find out?"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from landing.pages import WorkspacePages
from landing.shelf import WorkspaceShelf
from workspace_api.http import Caller, Services

LONGEST_QUERY = 200
LAST_RUNS = 4


router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
def home(
    pages: WorkspacePages,
    shelf: WorkspaceShelf,
    request: Request,
    services: Services,
    caller: Caller,
    q: str = "",
    area: str = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Show the curated worksheets, and the caller's last runs."""
    q, area = q.strip()[:LONGEST_QUERY], area[:LONGEST_QUERY]
    projects = shelf.projects(caller, area, q, page)
    recent = services.runs.list(caller, per_page=LAST_RUNS).items if caller.signed_in else []
    return pages.page(
        request,
        caller,
        "home.html",
        q=q,
        area=area,
        areas=shelf.areas(),
        items=shelf.items(projects.items, q),
        projects=projects,
        recent=recent,
        at=lambda area=area, page=1: address(q, area, page),
    )


def address(q: str, area: str, page: int) -> str:
    """Return the landing page's address for a search, an area and a page of the list."""
    query = {"q": q, "area": area, "page": "" if page == 1 else str(page)}
    given = {name: value for name, value in query.items() if value}
    return "/?" + urlencode(given) if given else "/"
