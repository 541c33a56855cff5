"""Who is calling and how far their tokens and memberships reach."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.forge.errors import forbidden, unauthorized
from deploy.forge.models import Member, Namespace, Project, Token, User, now
from deploy.forge.policy import OWNER

SCOPES = ("api", "read_api", "read_user", "read_repository", "write_repository", "sudo", "admin_mode")
ALL_LEVELS = OWNER


@dataclass(frozen=True)
class Actor:
    """The caller: a user with the scopes of their token, or nobody."""

    user: User | None = None
    scopes: frozenset[str] = frozenset()
    token: Token | None = None

    @property
    def admin(self) -> bool:
        """Whether an administrator calls."""
        return self.user is not None and self.user.admin

    def has(self, *scopes: str) -> bool:
        """Whether the token has one of `scopes`."""
        return bool(self.scopes & set(scopes))


NOBODY = Actor()


def hash_of(secret: str) -> str:
    """Return what is stored of a token; the secret itself is random enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def rest_secret(headers: Mapping[str, str], params: Mapping[str, object]) -> str | None:
    """Return the token of a REST call: `PRIVATE-TOKEN`, `Authorization: Bearer`, or the parameter."""
    if given := headers.get("private-token"):
        return given
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    parameter = params.get("private_token") or params.get("access_token")
    return str(parameter) if parameter else None


def git_secret(headers: Mapping[str, str]) -> str | None:
    """Return the token of a git call: the password of basic authentication, whatever the user name."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None
    return decoded.partition(":")[2]


def actor_of(session: Session, secret: str | None) -> Actor:
    """Return who stands behind `secret`, nobody for None; refuses one that is unknown, expired or revoked."""
    if not secret:
        return NOBODY
    token = session.scalar(select(Token).where(Token.hash == hash_of(secret)))
    today = dt.datetime.now(dt.UTC).date()
    if token is None or token.revoked or (token.expires_at is not None and token.expires_at <= today):
        raise unauthorized()
    if token.user.state != "active":
        raise forbidden("403 Forbidden - Your account has been blocked")
    return Actor(token.user, frozenset(token.scopes.split()), token)


def as_other(session: Session, actor: Actor, name: str | None) -> Actor:
    """Return the user that an administrator acts for (`Sudo`), or the caller where none is named."""
    if not name:
        return actor
    if not actor.admin:
        raise forbidden("403 Forbidden - Must be admin to use sudo")
    if not actor.has("sudo"):
        raise forbidden("403 Forbidden - Token lacks the scope sudo")
    wanted = User.id == int(name) if name.isdigit() else User.username == name
    user = session.scalar(select(User).where(wanted))
    if user is None:
        raise forbidden(f"404 User with ID or username '{name}' Not Found")
    if user.state != "active":
        raise forbidden("403 Forbidden - This account has been blocked")
    return Actor(user, actor.scopes, actor.token)


def touch(token: Token) -> None:
    """Note that a token is in use."""
    token.last_used_at = now()


def namespace_level(session: Session, user: User | None, namespace: Namespace | None) -> int | None:
    """Return the user's level in a namespace, through every group above it; None for no member."""
    if user is None:
        return None
    if user.admin:
        return ALL_LEVELS
    levels = []
    while namespace is not None:
        if namespace.owner_id == user.id:
            levels.append(OWNER)
        levels += _levels(session, user, Member.namespace_id == namespace.id)
        namespace = namespace.parent
    return max(levels, default=None)


def project_level(session: Session, user: User | None, project: Project) -> int | None:
    """Return the user's level in a project, by itself or through its groups; None for no member."""
    if user is None:
        return None
    own = _levels(session, user, Member.project_id == project.id)
    inherited = namespace_level(session, user, project.namespace)
    return max([*own, *([inherited] if inherited is not None else [])], default=None)


def _levels(session: Session, user: User, where: object) -> list[int]:
    today = dt.datetime.now(dt.UTC).date()
    found = session.scalars(select(Member).where(Member.user_id == user.id, where))  # type: ignore[arg-type]
    return [member.access_level for member in found if member.expires_at is None or member.expires_at > today]
