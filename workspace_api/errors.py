"""The errors a service raises, ordered by the HTTP status each one maps to (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One value that was refused: its field's name, and words that name the value and the remedy."""

    field: str
    message: str


class WorkspaceError(Exception):
    """Base of every error a person may see; `detail` is written for them."""

    status = 500
    title = "Something went wrong"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class BadRequestError(WorkspaceError):
    """The request itself cannot be read."""

    status = 400
    title = "The request could not be understood"


class NotSignedInError(WorkspaceError):
    """The action needs an account, or the token is unknown, expired or revoked."""

    status = 401
    title = "Please sign in"


class ForbiddenError(WorkspaceError):
    """The caller is known and may not do this."""

    status = 403
    title = "Not allowed"


class NotFoundError(WorkspaceError):
    """There is no such thing, or the caller may not know that there is."""

    status = 404
    title = "Not found"


class ConflictError(WorkspaceError):
    """The thing is in a state that does not allow this."""

    status = 409
    title = "Not possible in this state"


class TooLargeError(WorkspaceError):
    """The request is larger than the workspace accepts."""

    status = 413
    title = "Too large"


class InvalidInputError(WorkspaceError):
    """One or more values were refused; `errors` names each."""

    status = 422
    title = "Please check what you typed"


class LimitReachedError(WorkspaceError):
    """The caller has as much of this at once, or today, as they may have."""

    status = 429
    title = "Limit reached"


class UnavailableError(WorkspaceError):
    """A part that is needed (the forge, the hub, the disk) does not answer now."""

    status = 503
    title = "A part of the workspace is not answering"
