"""Accounts: making, finding, changing and disabling them, and checking who signs in."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth import passwords as rules
from auth.identity import ALL_SCOPES, Identity, Level
from auth.passwords import Passwords
from auth.permissions import PLATFORM, Action
from nfs.layout import StorageLayout
from workspace_api.database import Database, now
from workspace_api.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from workspace_api.groups.models import Group
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.people import names
from workspace_api.people.models import User
from workspace_api.people.views import Person

FIRST_UID = 20_000
LAST_UID = 39_999  # the numbers of groups begin above
LONGEST_DISPLAY_NAME = 120


class PeopleService:
    """The accounts of a workspace.

    Methods without an identity are for the workspace itself and its administrator's command line; those
    with one check that an administrator asks.
    """

    def __init__(self, database: Database, layout: StorageLayout, passwords: Passwords) -> None:
        self._database = database
        self._layout = layout
        self._passwords = passwords

    def add(
        self,
        name: str,
        *,
        password: str | None = None,
        display_name: str = "",
        level: Level = Level.AUTHOR,
        admin: bool = False,
        system: bool = False,
    ) -> Person:
        """Make an account and its home folder; without a password nobody can sign in as it yet.

        Raises InvalidInputError naming each bad value, and ConflictError when the name is taken.
        """
        shown = display_name.strip() or names.SYSTEM_ACCOUNTS.get(name, name)
        errors = [] if system else _refused(name=names.refusal(name))
        errors += _refused(display_name=_display_name_refusal(shown))
        if password is not None:
            errors += _refused(password=rules.refusal(name, password))
        if errors:
            raise InvalidInputError("The account was not made.", errors)
        hashed = None if password is None else self._passwords.hash(password)
        with self._database.write() as session:
            if _row(session, name) is not None:
                raise ConflictError(f"There is an account called “{name}” already.")
            if session.scalar(select(Group.id).where(Group.name == name)) is not None:
                raise ConflictError(f"There is a group called “{name}” already.")
            row = User(
                name=name,
                display_name=shown,
                uid=_next_uid(session),
                level=level.value,
                admin=admin,
                system=system,
                disabled=False,
                password_hash=hashed,
                created_at=now(),
            )
            session.add(row)
            session.flush()
            self._layout.ensure_home(name, row.uid, row.uid)
            return _view(row)

    def ensure_system_accounts(self) -> None:
        """Make the workspace's own accounts where they are missing."""
        for name in names.SYSTEM_ACCOUNTS:
            if self.find(name) is None:
                self.add(name, level=Level.PUBLIC, system=True)

    def find(self, name: str) -> Person | None:
        """Return the account `name`, or None."""
        with self._database.read() as session:
            row = _row(session, name)
            return None if row is None else _view(row)

    def get(self, name: str) -> Person:
        """Return the account `name`; raises NotFoundError."""
        person = self.find(name)
        if person is None:
            raise _unknown(name)
        return person

    def everyone(self, page: int = 1, per_page: int = 100) -> Page[Person]:
        """Return one page of all accounts by name, the workspace's own among them."""
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(User)) or 0
            rows = session.scalars(
                select(User).order_by(User.name).limit(per_page).offset((page - 1) * per_page)
            )
            return Page([_view(row) for row in rows], total, page, per_page)

    def set_password(self, name: str, password: str) -> None:
        """Give an account a new password; raises NotFoundError, or InvalidInputError in words."""
        self._change(name, password=password)

    def set_level(self, name: str, level: Level) -> Person:
        """Show a person another level of the interface; raises NotFoundError."""
        return self._change(name, level=level)

    def set_admin(self, name: str, admin: bool) -> Person:
        """Make a person an administrator, or no longer one; raises as `disable` does."""
        return self._change(name, admin=admin)

    def disable(self, name: str, disabled: bool = True) -> Person:
        """Close an account, which keeps its files, or open it again: its sessions and tokens end at once.

        Raises NotFoundError, and ConflictError where nobody would be left to administer.
        """
        return self._change(name, disabled=disabled)

    def check_password(self, name: str, password: str) -> Person | None:
        """Return the person who may sign in with this name and password, else None.

        It takes the same time whether or not there is such an account.
        """
        with self._database.read() as session:
            row = _row(session, names.normalised(name))
        may_sign_in = row is not None and not row.disabled and not row.system
        matches = self._passwords.check(row.password_hash if row and may_sign_in else None, password)
        return _view(row) if row is not None and matches else None

    def identity_of(self, name: str, *, scopes: frozenset[str] = ALL_SCOPES) -> Identity | None:
        """Return the identity of a person, or None for an unknown, disabled or system account."""
        person = self.find(name)
        if person is None or person.disabled or person.system:
            return None
        return Identity(user=person.name, level=person.level, admin=person.admin, scopes=scopes)

    def list(self, identity: Identity, page: int, per_page: int) -> Page[Person]:
        """Return one page of all accounts to an administrator."""
        require(identity, Action.READ_PEOPLE, PLATFORM, "see everyone's accounts")
        return self.everyone(page, per_page)

    def add_person(
        self, identity: Identity, name: str, *, password: str, display_name: str, level: Level, admin: bool
    ) -> Person:
        """Make a person's account, as an administrator asks; raises as `add` does."""
        require(identity, Action.MANAGE_PEOPLE, PLATFORM, "make an account")
        return self.add(name, password=password, display_name=display_name, level=level, admin=admin)

    def change(
        self,
        identity: Identity,
        name: str,
        *,
        password: str | None = None,
        level: Level | None = None,
        admin: bool | None = None,
        disabled: bool | None = None,
    ) -> Person:
        """Change what is given of a person's account, all of it or nothing, as an administrator asks."""
        require(identity, Action.MANAGE_PEOPLE, PLATFORM, "change an account")
        return self._change(name, password=password, level=level, admin=admin, disabled=disabled)

    def _change(
        self,
        name: str,
        *,
        password: str | None = None,
        level: Level | None = None,
        admin: bool | None = None,
        disabled: bool | None = None,
    ) -> Person:
        if password is not None and (errors := _refused(password=rules.refusal(name, password))):
            raise InvalidInputError("The password was not changed.", errors)
        hashed = None if password is None else self._passwords.hash(password)
        with self._database.write() as session:
            row = _people_row(session, name)
            if admin is False or disabled:
                _refuse_last_administrator(session, row)
            row.password_hash = hashed or row.password_hash
            row.level = level.value if level else row.level
            row.admin = row.admin if admin is None else admin
            row.disabled = row.disabled if disabled is None else disabled
            return _view(row)


def _row(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(User.name == name))


def _people_row(session: Session, name: str) -> User:
    row = _row(session, name)
    if row is None or row.system:
        raise _unknown(name)
    return row


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"There is no account called “{name[:64]}”.")


def _next_uid(session: Session) -> int:
    """Return a uid never given before: accounts are disabled, not deleted, so the highest is known."""
    uid = max(FIRST_UID, (session.scalar(select(func.max(User.uid))) or 0) + 1)
    if uid > LAST_UID:
        raise ConflictError(f"All numbers for accounts, {FIRST_UID} to {LAST_UID}, are given.")
    return int(uid)


def _refuse_last_administrator(session: Session, row: User) -> None:
    others = session.scalar(
        select(func.count())
        .select_from(User)
        .where(User.admin.is_(True), User.disabled.is_(False), User.id != row.id)
    )
    if row.admin and not row.disabled and not others:
        raise ConflictError(
            f"{row.name} is the only administrator. Make somebody else an administrator first."
        )


def _display_name_refusal(shown: str) -> str | None:
    if len(shown) > LONGEST_DISPLAY_NAME:
        return f"The shown name has {len(shown)} characters; {LONGEST_DISPLAY_NAME} is the most."
    if not shown.isprintable():
        return "The shown name has characters that cannot be shown; type it again."
    return None


def _refused(**refusals: str | None) -> list[FieldError]:
    return [FieldError(name, message) for name, message in refusals.items() if message is not None]


def _view(row: User) -> Person:
    return Person(
        name=row.name,
        display_name=row.display_name,
        uid=row.uid,
        level=Level(row.level),
        admin=row.admin,
        system=row.system,
        disabled=row.disabled,
        created_at=row.created_at,
    )
