"""Personal tokens over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from workspace_api.http import Listing, Services, SignedIn
from workspace_api.paging import Page
from workspace_api.tokens.schemas import NewTokenSchema, TokenRequest, TokenSchema

router = APIRouter(tags=["tokens"])


@router.get("/tokens")
def tokens(services: Services, caller: SignedIn) -> Listing[TokenSchema]:
    """List your tokens that still work, all on one page: there are at most a hundred."""
    own = services.tokens.list(caller)
    return Listing[TokenSchema].of(Page(own, len(own), 1, 100), TokenSchema.of)


@router.post("/tokens", status_code=201)
def create_token(services: Services, caller: SignedIn, wanted: TokenRequest) -> NewTokenSchema:
    """Make a token; its secret is in this answer and nowhere else."""
    return NewTokenSchema.of_new(
        services.tokens.create_own(caller, wanted.name, wanted.scopes, expires_at=wanted.expires_at)
    )


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(
    services: Services, caller: SignedIn, token_id: Annotated[str, InPath(max_length=40)]
) -> None:
    """Revoke one of your tokens."""
    services.tokens.revoke(caller, token_id)
