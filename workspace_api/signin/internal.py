"""JupyterHub's questions: who may sign in, and whose account is still open; nobody else may ask."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from workspace_api.errors import ForbiddenError, NotFoundError, NotSignedInError
from workspace_api.http import Services
from workspace_api.people.attempts import SignInAttempts
from workspace_api.people.names import normalised

router = APIRouter(prefix="/internal", tags=["internal"])


class SignInQuestion(BaseModel):
    """A name and a password as somebody typed them, and the address they did it from."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=1000)
    password: SecretStr = Field(max_length=10_000)
    address: str = Field("", max_length=200)


class SignInAnswer(BaseModel):
    """An account that is open."""

    name: str
    admin: bool


@router.post("/sign-in")
def sign_in(request: Request, services: Services, question: SignInQuestion) -> SignInAnswer:
    """Say whose name and password these are; 403 when they are nobody's, 429 after too many failures."""
    require_hub(request, services)
    attempts: SignInAttempts = request.app.state.sign_in_attempts
    name = normalised(question.name)
    attempts.begin(name, question.address)
    person = services.people.check_password(name, question.password.get_secret_value())
    if person is None:
        raise ForbiddenError("The name or the password is not right.")
    attempts.succeeded(name, question.address)
    return SignInAnswer(name=person.name, admin=person.admin)


@router.get("/people/{name}")
def open_account(
    request: Request, services: Services, name: Annotated[str, InPath(max_length=255)]
) -> SignInAnswer:
    """Say whether an account is open, for JupyterHub's sessions to end with it; 404 when it is not."""
    require_hub(request, services)
    identity = services.people.identity_of(name)
    if identity is None:
        raise NotFoundError(f"There is no open account called “{name[:64]}”.")
    return SignInAnswer(name=name, admin=identity.admin)


def require_hub(request: Request, services: Services) -> None:
    """Raise NotSignedInError for everybody but this workspace's JupyterHub."""
    token = services.settings.hub.authenticator_token.get_secret_value()
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise NotSignedInError("Only this workspace's JupyterHub may ask this.")
