"""The one thing that a page asks of an environment: to be built again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.responses import RedirectResponse, Response

from landing.typed import Form, text_of
from workspace_api.http import Caller, Services
from workspace_api.signin.next_page import local_page


def environment_pages() -> APIRouter:
    """Return the route that builds a failed environment again."""
    router = APIRouter(include_in_schema=False)

    @router.post("/environments/{key}/rebuild")
    def rebuild(
        services: Services,
        caller: Caller,
        sent: Form,
        key: Annotated[str, InPath(pattern=r"^[0-9a-z]{1,64}$")],
    ) -> Response:
        """Queue it again, and go back to the page that asked."""
        services.environments.rebuild(caller, key)
        return RedirectResponse(local_page(text_of(sent, "back")), 303)

    return router
