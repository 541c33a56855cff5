"""Personal tokens: making, checking and revoking them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from auth.identity import ALL_SCOPES, Identity, Level
from auth.permissions import PLATFORM, Action, scopes_allow
from auth.secrets import new_token, token_hash
from workspace_api.database import Database, UtcDateTime, now
from workspace_api.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from workspace_api.guard import require
from workspace_api.people.models import User
from workspace_api.tokens.models import Token
from workspace_api.tokens.views import NEVER, GatewayCaller, GitNote, NewToken, TokenView

LONGEST_NAME = 120
LONGEST_YEARS = 10
MOST_TOKENS = 100
USED_EVERY = dt.timedelta(minutes=1)
CALLER = (  # made once: it is asked for every call of the gateway
    select(Token.id, Token.scopes, Token.run_id, Token.last_used_at, User.name, User.system)
    .join(User, User.id == Token.user_id)
    .where(Token.hash == bindparam("hash"), User.disabled.is_(False), Token.revoked_at.is_(None))
    .where(or_(Token.expires_at.is_(None), Token.expires_at > bindparam("now", type_=UtcDateTime())))
)

GIT_NOTES = select(Token.id, Token.run_id, User.name, Token.git_password_at).join(
    User, User.id == Token.user_id
)


class TokenService:
    """Makes tokens, shows each secret once, and keeps only its hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_own(
        self, identity: Identity, name: str, scopes: Iterable[str], *, expires_at: dt.datetime | None = None
    ) -> NewToken:
        """Make a token for the caller, who cannot give it more than they have.

        Raises InvalidInputError naming each bad value, ForbiddenError for scopes the caller lacks, and
        ConflictError when there are too many tokens already.
        """
        require(identity, Action.MANAGE_OWN_TOKENS, PLATFORM, "make a token")
        assert identity.user is not None  # noqa: S101 - the rule above
        wanted = frozenset(scopes)
        _check(name, wanted, expires_at)
        excess = sorted(scope for scope in wanted if not _covers(identity.scopes, scope))
        if excess:
            raise ForbiddenError(f"You cannot give a token the scopes {', '.join(excess)}: you lack them.")
        if len(self.list(identity)) >= MOST_TOKENS:
            raise ConflictError(f"You have {MOST_TOKENS} tokens. Revoke one that is no longer used.")
        return self.create(identity.user, name, wanted, expires_at=expires_at)

    def create(
        self,
        user: str,
        name: str,
        scopes: frozenset[str],
        *,
        expires_at: dt.datetime | None = None,
        run_id: str | None = None,
    ) -> NewToken:
        """Make a token for the account `user`, which may be one of the workspace's own.

        Raises NotFoundError for an unknown account and InvalidInputError naming each bad value.
        """
        _check(name, scopes, expires_at)
        secret = new_token()
        with self._database.write() as session:
            owner = session.scalar(select(User).where(User.name == user))
            if owner is None:
                raise NotFoundError(f"There is no account called “{user}”.")
            row = Token(
                user_id=owner.id,
                name=name.strip(),
                hash=token_hash(secret),
                scopes=" ".join(sorted(scopes)),
                run_id=run_id,
                created_at=now(),
                expires_at=expires_at,
            )
            session.add(row)
            session.flush()
            return NewToken(secret, _view(row, user))

    def identify(self, secret: str) -> Identity | None:
        """Return the person a token stands for, narrowed to its scopes.

        None when the token is unknown, expired or revoked, or its account is disabled or the workspace's own.
        """
        with self._database.read() as session:
            found = _find(session, secret)
        if found is None or found[1].system:
            return None
        row, owner = found
        self._note_use(row.id, row.last_used_at)
        return Identity(
            user=owner.name,
            level=Level(owner.level),
            admin=owner.admin,
            scopes=frozenset(row.scopes.split()),
            within=row.run_id,
        )

    def verify(self, secret: str, scope: str) -> Identity | None:
        """Return the person a token stands for if it has `scope` (`api` includes `read_api`), else None."""
        identity = self.identify(secret)
        return identity if identity is not None and _covers(identity.scopes, scope) else None

    def verify_caller(self, secret: str) -> GatewayCaller | None:
        """Return whom a token for the gateway stands for, or None when it opens nothing there.

        Only here the workspace's own accounts count: the runs of visitors call the gateway as one of them.
        """
        with self._database.engine.connect() as connection:  # a call of the gateway must cost little
            found = connection.execute(CALLER, {"hash": token_hash(secret), "now": now()}).first()
        if found is None or "alphagenome" not in found.scopes.split():
            return None
        self._note_use(found.id, found.last_used_at)
        return GatewayCaller(found.name, str(found.id), found.run_id, found.system)

    def list(self, identity: Identity) -> Sequence[TokenView]:
        """Return the caller's own tokens that still work, newest first, without those that runs carry."""
        require(identity, Action.READ_OWN_TOKENS, PLATFORM, "see your tokens")
        with self._database.read() as session:
            rows = session.scalars(
                select(Token)
                .join(User, User.id == Token.user_id)
                .where(User.name == identity.user, Token.run_id.is_(None), _works())
                .order_by(Token.id.desc())
            )
            return [_view(row, identity.user or "") for row in rows]

    def revoke(self, identity: Identity, token_id: str) -> None:
        """Make one of the caller's tokens worthless now; NotFoundError when they have no such token."""
        require(identity, Action.MANAGE_OWN_TOKENS, PLATFORM, "revoke a token")
        own = select(User.id).where(User.name == identity.user).scalar_subquery()
        with self._database.write() as session:
            revoked = session.execute(
                update(Token)
                .where(Token.id == (int(token_id) if token_id.isdecimal() and len(token_id) < 18 else -1))
                .where(Token.user_id == own, Token.revoked_at.is_(None))
                .values(revoked_at=now())
                .returning(Token.id)
            ).all()
        if not revoked:
            raise NotFoundError(f"You have no token with the id {token_id[:40]}.")

    def revoke_for_run(self, run_id: str) -> None:
        """Make the token that a run carried worthless; nothing happens when it had none."""
        with self._database.write() as session:
            revoke_with(session, run_id)

    def for_git(self, run_id: str) -> GitNote | None:
        """Return the note of the token that a session carries; None where it has none that works."""
        with self._database.read() as session:
            row = session.execute(GIT_NOTES.where(Token.run_id == run_id, _works())).first()
            return None if row is None else _git_note(row)

    def git_left(self) -> Sequence[GitNote]:
        """Return the notes of passwords for git that may work at the forge while their tokens do not."""
        left = GIT_NOTES.where(Token.git_password_at.is_not(None), or_(~_works(), User.disabled))
        with self._database.read() as session:
            return [_git_note(row) for row in session.execute(left)]

    def note_git_password(self, token_id: int) -> dt.datetime:
        """Note that a token may have a password for git from now on, and return the moment."""
        moment = dt.datetime.now(dt.UTC)  # precise: no two are alike
        with self._database.write() as session:
            session.execute(update(Token).where(Token.id == token_id).values(git_password_at=moment))
        return moment

    def forget_git_password(self, note: GitNote) -> None:
        """Forget a note, unless it was made anew."""
        same = (Token.id == note.token_id, Token.git_password_at == note.asked_at)
        with self._database.write() as session:
            session.execute(update(Token).where(*same).values(git_password_at=None))

    def _note_use(self, token_id: int, last_used_at: dt.datetime | None) -> None:
        """Remember when a token was used, to the minute: a write for every call would be one too many."""
        if last_used_at is not None and now() - last_used_at < USED_EVERY:
            return
        with self._database.write() as session:
            session.execute(update(Token).where(Token.id == token_id).values(last_used_at=now()))


def revoke_with(session: Session, run_id: str) -> None:
    """Make the token of a run or session worthless in the transaction by which that ends."""
    session.execute(
        update(Token).where(Token.run_id == run_id, Token.revoked_at.is_(None)).values(revoked_at=now())
    )


def _works() -> ColumnElement[bool]:
    return and_(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now()))


def _find(session: Session, secret: str) -> tuple[Token, User] | None:
    row = session.execute(
        select(Token, User)
        .join(User, User.id == Token.user_id)
        .where(Token.hash == token_hash(secret), User.disabled.is_(False), _works())
    ).first()
    return None if row is None else (row[0], row[1])


def _git_note(row: Row[int, str | None, str, dt.datetime | None]) -> GitNote:
    return GitNote(row.id, f"{row.run_id} {row.id}", row.name, row.git_password_at or NEVER)


def _covers(scopes: frozenset[str], scope: str) -> bool:
    return scopes_allow(scopes, reading=True) if scope == "read_api" else scope in scopes


def _check(name: str, scopes: frozenset[str], expires_at: dt.datetime | None) -> None:
    errors = []
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        words = f"Give the token a name of 1 to {LONGEST_NAME} characters, on one line."
        errors.append(FieldError("name", words))
    unknown = sorted(scopes - ALL_SCOPES)
    known = ", ".join(sorted(ALL_SCOPES))
    if unknown:
        errors.append(FieldError("scopes", f"There is no scope {', '.join(unknown)}; choose from {known}."))
    elif not scopes:
        errors.append(FieldError("scopes", f"Choose at least one scope: {known}."))
    if expires_at is not None and expires_at <= now():
        errors.append(
            FieldError("expires_at", f"{expires_at.isoformat()} is past; the token would never work.")
        )
    elif expires_at is not None and expires_at.year > now().year + LONGEST_YEARS:
        errors.append(
            FieldError("expires_at", f"{expires_at.year} is too far; {LONGEST_YEARS} years are the most.")
        )
    if errors:
        raise InvalidInputError("The token was not made.", errors)


def _view(row: Token, user: str) -> TokenView:
    return TokenView(
        id=str(row.id),
        user=user,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        run_id=row.run_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
