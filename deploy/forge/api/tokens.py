"""Personal and impersonation tokens."""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import or_, select

from deploy.forge import presenters
from deploy.forge.access import SCOPES, hash_of
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import forbidden, invalid, missing, not_found, unauthorized
from deploy.forge.lookups import find_user
from deploy.forge.models import Token, User

routes = Routes()


@routes.add("POST", "/users/:id/personal_access_tokens")
def create(call: Call) -> Reply:
    """Make a personal token for a user."""
    call.require_admin()
    return _make(call, find_user(call, call.args["id"]), impersonation=False)


@routes.add("POST", "/users/:id/impersonation_tokens")
def impersonate(call: Call) -> Reply:
    """Make a token with which an administrator's program acts as a user."""
    call.require_admin()
    return _make(call, find_user(call, call.args["id"]), impersonation=True)


@routes.add("GET", "/users/:id/impersonation_tokens")
def impersonations(call: Call) -> Reply:
    """List a user's impersonation tokens, or those that work for the `state` active."""
    call.require_admin()
    user = find_user(call, call.args["id"])
    query = select(Token).where(Token.user_id == user.id, Token.impersonation).order_by(Token.id)
    if call.params.text("state", "") == "active":
        today = dt.datetime.now(dt.UTC).date()
        works = or_(Token.expires_at.is_(None), Token.expires_at > today)
        query = query.where(Token.revoked.is_(False), works)
    return call.page(call.session.scalars(query).all(), presenters.token)


@routes.add("GET", "/users/:id/impersonation_tokens/:token")
def impersonation(call: Call) -> Reply:
    """Return an impersonation token."""
    return Reply(presenters.token(_impersonation(call)))


@routes.add("DELETE", "/users/:id/impersonation_tokens/:token")
def end_impersonation(call: Call) -> Reply:
    """Revoke an impersonation token."""
    _impersonation(call).revoked = True
    return Reply(None, 204)


@routes.add("GET", "/personal_access_tokens")
def mine(call: Call) -> Reply:
    """List the caller's tokens; an administrator sees everybody's, or those of `user_id`."""
    query = select(Token).order_by(Token.id)
    if not call.actor.admin:
        query = query.where(Token.user_id == call.user.id)
    elif call.params.text("user_id", ""):
        query = query.where(Token.user_id == call.params.number("user_id"))
    return call.page(call.session.scalars(query).all(), presenters.token)


@routes.add("GET", "/personal_access_tokens/:token", *SCOPES)
def one(call: Call) -> Reply:
    """Return a token, `self` for the one that is used."""
    return Reply(presenters.token(_find(call, call.args["token"])))


@routes.add("DELETE", "/personal_access_tokens/:token", *SCOPES)
def revoke(call: Call) -> Reply:
    """Revoke a token, `self` for the one that is used."""
    return _revoke(call, call.args["token"])


def _make(call: Call, user: User, *, impersonation: bool) -> Reply:
    scopes = call.params.words("scopes")
    if not scopes:
        raise missing("scopes")
    if not set(scopes) <= set(SCOPES):
        raise invalid("scopes")
    secret = "glpat-" + secrets.token_urlsafe(24)
    made = Token(
        user_id=user.id,
        name=call.params.text("name"),
        hash=hash_of(secret),
        scopes=" ".join(sorted(set(scopes))),
        impersonation=impersonation,
        expires_at=call.params.date("expires_at"),
    )
    call.session.add(made)
    call.session.flush()
    return Reply(presenters.token(made, secret), 201)


def _impersonation(call: Call) -> Token:
    call.require_admin()
    user, number = find_user(call, call.args["id"]), call.args["token"]
    found = call.session.get(Token, int(number)) if number.isdigit() else None
    if found is None or found.user_id != user.id or not found.impersonation:
        raise not_found("Impersonation Token")
    return found


def _find(call: Call, name: str) -> Token:
    if name == "self":
        if call.actor.token is None:
            raise unauthorized()
        return call.actor.token
    found = call.session.get(Token, int(name)) if name.isdigit() else None
    if found is None or (found.user_id != call.user.id and not call.actor.admin):
        raise not_found("Token")
    if name != "self" and not call.actor.has("api", "read_api"):
        raise forbidden()
    return found


def _revoke(call: Call, name: str) -> Reply:
    _find(call, name).revoked = True
    return Reply(None, 204)
