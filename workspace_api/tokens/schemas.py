"""What is asked and answered about tokens over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from workspace_api.tokens.views import NewToken, TokenView


class TokenSchema(BaseModel):
    """One token, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None

    @classmethod
    def of(cls, token: TokenView) -> Self:
        """Answer with a token."""
        return cls(
            id=token.id,
            name=token.name,
            scopes=sorted(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )


class NewTokenSchema(TokenSchema):
    """A token just made; `secret` is shown this once."""

    secret: str

    @classmethod
    def of_new(cls, new: NewToken) -> Self:
        """Answer with a token just made."""
        return cls(secret=new.secret, **TokenSchema.of(new.token).model_dump())


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What it is for, in your own words.")
    scopes: list[str] = Field(
        ["api"], max_length=10, description="`api` (everything), `read_api`, `alphagenome` (the gateway)."
    )
    expires_at: AwareDatetime | None = Field(None, description="With a time zone; never, when left out.")
