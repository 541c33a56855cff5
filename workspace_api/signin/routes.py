"""Signing a browser in through JupyterHub, and out again."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from workspace_api.cookies import Cookies
from workspace_api.errors import BadRequestError, ForbiddenError
from workspace_api.http import Caller, Services
from workspace_api.settings import Settings
from workspace_api.signin.hub import HubSignIn
from workspace_api.signin.next_page import local_page

HUB_LOGOUT = "/hub/logout"


def browser_sign_in(settings: Settings) -> APIRouter:
    """Return the routes `/login`, `/oauth_callback` and `/logout`."""
    hub = HubSignIn(settings)
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def login(request: Request, caller: Caller, next: str = "/") -> Response:
        """Send the browser to the hub's sign-in page, or on when it is signed in already."""
        page = local_page(next)
        if caller.signed_in:
            return RedirectResponse(page, 303)
        departure = hub.depart()
        response = RedirectResponse(departure.address, 303)
        kept = {"state": departure.state, "verifier": departure.verifier, "next": page}
        _cookies(request).keep_sign_in(response, kept)
        return response

    @router.get("/oauth_callback")
    async def oauth_callback(
        request: Request, services: Services, code: str = "", state: str = "", error: str = ""
    ) -> Response:
        """Finish the sign-in of a browser that comes back from the hub."""
        if error:
            raise ForbiddenError(f"The sign-in was not completed: {error[:80]}. Start again at /login.")
        kept = _kept(request, state, settings.public_url)
        name = await hub.arrive(code, kept["verifier"])
        if await run_in_threadpool(services.people.identity_of, name) is None:
            raise ForbiddenError(
                f"JupyterHub knows you as “{name}”, but the workspace has no open account of that name. Ask "
                f"an administrator, or sign in as somebody else: {settings.public_url}{HUB_LOGOUT}"
            )
        response = RedirectResponse(local_page(kept["next"]), 303)
        _cookies(request).start_session(response, name)
        _cookies(request).forget_sign_in(response)
        return response

    @router.post("/logout")
    def logout(request: Request, _caller: Caller) -> Response:
        """End the browser's session here, then the hub's."""
        response = RedirectResponse(HUB_LOGOUT, 303)
        _cookies(request).end_session(response)
        return response

    return router


def _kept(request: Request, state: str, public_url: str) -> dict[str, str]:
    kept = _cookies(request).sign_in(request)
    if kept is None:
        raise BadRequestError(
            "This sign-in was begun in another browser, at another address, or more than ten minutes ago. "
            f"Begin again at {public_url}/login."
        )
    if not hmac.compare_digest(kept["state"].encode(), state.encode()):
        raise ForbiddenError("This sign-in was not begun by this browser. Begin again at /login.")
    return kept


def _cookies(request: Request) -> Cookies:
    cookies: Cookies = request.app.state.cookies
    return cookies
