"""What every route is given: the services, who is calling, and the token of the caller's browser."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from auth.identity import Identity
from auth.permissions import scopes_allow
from workspace_api import csrf
from workspace_api.authentication import Authentication
from workspace_api.browsers import Browser, browser_of
from workspace_api.errors import ForbiddenError, NotSignedInError
from workspace_api.listing import Listing, PageRequest, Paging
from workspace_api.workspace import Workspace

__all__ = ["Caller", "Listing", "PageRequest", "Paging", "Services", "SignedIn", "csrf_token"]


def workspace_of(request: Request) -> Workspace:
    """Return the services of the workspace that this application serves."""
    workspace: Workspace = request.app.state.workspace
    return workspace


_BEARER = HTTPBearer(
    scheme_name="token",
    description="A personal token, or a JupyterHub token; without one the caller is a visitor.",
    auto_error=False,
)


async def caller_of(request: Request, _described: Annotated[object, Depends(_BEARER)]) -> Identity:
    """Return who is calling, from a bearer token, the session cookie or the visitor cookie.

    Raises NotSignedInError for a token that is unknown, expired or revoked, and ForbiddenError for one
    whose scopes do not reach this far or for a browser's request that may come from another site.
    """
    authentication: Authentication = request.app.state.authentication
    secret = _bearer(request)
    if secret is not None:
        identity = await run_in_threadpool(authentication.by_token, secret)
        _check_scopes(identity, request.method)
        return identity
    browser = browser_of(request)
    await _check_origin(request, browser)
    if browser.session is None:
        return Identity(visitor=browser.visitor)
    return await run_in_threadpool(authentication.by_session, browser.session.user, browser.visitor)


def signed_in(identity: Annotated[Identity, Depends(caller_of)]) -> Identity:
    """Return the caller, who has an account; raises NotSignedInError for a visitor."""
    if not identity.signed_in:
        raise NotSignedInError("This needs an account: sign in, or let your program send a personal token.")
    return identity


Services = Annotated[Workspace, Depends(workspace_of)]
Caller = Annotated[Identity, Depends(caller_of)]
SignedIn = Annotated[Identity, Depends(signed_in)]


def csrf_token(request: Request) -> str:
    """Return the token that this browser's forms (field `csrf`) and scripts (`X-CSRF-Token`) must send."""
    guard: csrf.Csrf = request.app.state.csrf
    return guard.token(browser_of(request).binding)


def _bearer(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() not in ("bearer", "token") or not secret.strip():
        raise NotSignedInError("The Authorization header cannot be read. Send: Authorization: Bearer TOKEN")
    return secret.strip()


def _check_scopes(identity: Identity, method: str) -> None:
    reading = method in csrf.SAFE_METHODS
    if not scopes_allow(identity.scopes, reading=reading):
        needed = "read_api or api" if reading else "api"
        raise ForbiddenError(
            f"This token has the scopes {', '.join(sorted(identity.scopes)) or 'none'}; "
            f"this request needs {needed}."
        )


async def _check_origin(request: Request, browser: Browser) -> None:
    if request.method in csrf.SAFE_METHODS:
        return
    workspace = workspace_of(request)
    if not csrf.same_origin(request.headers, workspace.settings.public_url):
        raise ForbiddenError("This request came from a page of another site, and was not carried out.")
    content_type = request.headers.get("content-type", "")
    if not csrf.needs_token(signed_in=browser.session is not None, content_type=content_type):
        return
    guard: csrf.Csrf = request.app.state.csrf
    if not guard.matches(browser.binding, await _given_token(request, content_type)):
        raise ForbiddenError(
            "The page this came from is too old, or belongs to another sign-in. Load the page again and "
            "repeat what you did; a script sends the page's token in the header X-CSRF-Token."
        )


async def _given_token(request: Request, content_type: str) -> str:
    in_header = request.headers.get(csrf.HEADER)
    if in_header is not None:
        return in_header
    if content_type.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        given = (await request.form()).get(csrf.FIELD)
        return given if isinstance(given, str) else ""
    return ""
