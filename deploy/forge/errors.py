"""Refusals in the shapes that GitLab gives them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal: an HTTP status and the JSON body that says why."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def unauthorized() -> ApiError:
    """No token, or one that is unknown, expired or revoked."""
    return ApiError(401, {"message": "401 Unauthorized"})


def forbidden(why: str = "403 Forbidden") -> ApiError:
    """The caller is known and may not."""
    return ApiError(403, {"message": why})


def insufficient_scope(needed: str) -> ApiError:
    """The token's scopes do not reach this far."""
    words = "The request requires higher privileges than provided by the access token."
    return ApiError(403, {"error": "insufficient_scope", "error_description": words, "scope": needed})


def not_found(what: str = "") -> ApiError:
    """There is no such thing, or the caller may not know that there is."""
    return ApiError(404, {"message": f"404 {what} Not Found".replace("  ", " ")})


def missing(name: str) -> ApiError:
    """A required parameter is not there."""
    return ApiError(400, {"error": f"{name} is missing"})


def invalid(name: str) -> ApiError:
    """A parameter has a value that cannot be."""
    return ApiError(400, {"error": f"{name} does not have a valid value"})


def taken(name: str) -> ApiError:
    """Another record has this value already."""
    return ApiError(400, {"message": {name: ["has already been taken"]}})


def refused(message: str, status: int = 400) -> ApiError:
    """The request is well formed and cannot be carried out."""
    return ApiError(status, {"message": message})
