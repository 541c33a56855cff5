"""Groups: making, reading, changing and removing them and their members."""

from __future__ import annotations

from pathlib import PurePosixPath

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import PLATFORM, Action, GroupFacts, Role, may
from hub.disk_use import used_bytes
from nfs.layout import StorageLayout
from nfs.mounts import SHARED, GroupShare
from workspace_api.database import Database, now
from workspace_api.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from workspace_api.forge.members import VISIBILITIES, ForgeMembers
from workspace_api.forge.views import ForgeProject
from workspace_api.groups.following import Followers
from workspace_api.groups.models import Group, GroupMember, GroupNumber
from workspace_api.groups.rules import FIRST_GID, LAST_GID, forge_mark, name_errors, role_errors, title_errors
from workspace_api.groups.views import GroupView, Membership, MemberView, Removed
from workspace_api.guard import require
from workspace_api.paging import Page
from workspace_api.people.models import User


class GroupService:
    """The groups of a workspace.

    The database is the truth: a change is written there first, and the forge and the disk follow at once
    where they can, else later (`followers.follow_waiting`). Methods without an identity are for the workspace
    itself and its administrator's command line.
    """

    def __init__(self, database: Database, layout: StorageLayout, forge: ForgeMembers) -> None:
        self._database = database
        self._layout = layout
        self._forge = forge
        self.followers = Followers(database, forge, layout)

    def of(self, user: str) -> list[Membership]:
        """Return the groups of a person with their role in each, by name; none for an unknown one."""
        query = (
            select(Group.name, GroupMember.role, Group.gid)
            .join(GroupMember, GroupMember.group_id == Group.id)
            .join(User, User.id == GroupMember.user_id)
            .where(User.name == user, Group.removing.is_(False))
            .order_by(Group.name)
        )
        with self._database.read() as session:
            return [Membership(name, Role(role), gid) for name, role, gid in session.execute(query)]

    def shares(self, user: str) -> list[GroupShare]:
        """Return the storage of a person's groups, each with their role, for a mount plan."""
        return [
            GroupShare(group.group, self._layout.ensure_group(group.group, group.gid), group.role)
            for group in self.of(user)
        ]

    def gids(self, user: str) -> list[int]:
        """Return the numbers of a person's groups, for what runs as them."""
        return [group.gid for group in self.of(user)]

    def role(self, user: str, name: str) -> Role | None:
        """Return the role of a person in a group; None for no member and for no group."""
        return next((group.role for group in self.of(user) if group.group == name), None)

    def overview(
        self, identity: Identity, page: int = 1, per_page: int = 30, *, everyones: bool = False
    ) -> Page[GroupView]:
        """Return one page of the caller's groups by name, or of all groups to an administrator."""
        query = select(Group).where(Group.removing.is_(False))
        if everyones:
            require(identity, Action.READ_GROUPS, PLATFORM, "see everybody's groups")
        else:
            mine = select(GroupMember.group_id).join(User).where(User.name == identity.user)
            query = query.where(Group.id.in_(mine))
        roles = {group.group: group.role for group in self.of(identity.user or "")}
        with self._database.read() as session:
            total = _count(session, query.subquery())
            rows = session.scalars(query.order_by(Group.name).limit(per_page).offset((page - 1) * per_page))
            return Page([_view(session, row, roles.get(row.name)) for row in rows], total, page, per_page)

    def everything(self) -> list[GroupView]:
        """Return every group by name."""
        with self._database.read() as session:
            rows = session.scalars(select(Group).where(Group.removing.is_(False)).order_by(Group.name))
            return [_view(session, row, None) for row in rows]

    def get(self, identity: Identity, name: str) -> GroupView:
        """Return a group to a member or an administrator; NotFoundError for everybody else."""
        with self._database.read() as session:
            row, role = _allowed(session, identity, name)
            return _view(session, row, role)

    def members(self, identity: Identity, name: str, page: int = 1, per_page: int = 30) -> Page[MemberView]:
        """Return one page of a group's members by name; raises as `get` does."""
        with self._database.read() as session:
            row, _ = _allowed(session, identity, name)
            query = select(GroupMember, User).join(User).where(GroupMember.group_id == row.id)
            total = _count(session, query.subquery())
            found = session.execute(query.order_by(User.name).limit(per_page).offset((page - 1) * per_page))
            members = [
                MemberView(user.name, user.display_name, Role(member.role), member.since)
                for member, user in found
            ]
            return Page(members, total, page, per_page)

    def used_bytes(self, identity: Identity, name: str) -> int:
        """Return how much a group's files take up; it looks at each of them. Raises as `get` does."""
        self.get(identity, name)
        return used_bytes([str(self._layout.group(name))])

    def projects(self, identity: Identity, name: str) -> list[ForgeProject]:
        """Return the projects of a group's namespace, private ones too.

        Raises as `get` does, and UnavailableError while the forge does not answer.
        """
        group = self.get(identity, name)
        return self._forge.projects(name, forge_mark(group.gid, group.created_at))

    def create(self, identity: Identity, name: str, title: str = "") -> GroupView:
        """Make a group whose admin the caller is; raises as `add` does."""
        require(identity, Action.CREATE_GROUP, PLATFORM, "make a group")
        self.add(name, title, admin=identity.user or "")
        return self.get(identity, name)

    def add(self, name: str, title: str = "", *, admin: str) -> None:
        """Make a group with its storage and its first admin; without a title it is called by its name.

        Raises InvalidInputError naming each bad value: also a name that a person or a group has, here or on
        the forge.
        """
        title = title.strip()
        if errors := [*name_errors(name), *(title_errors(title) if title else [])]:
            raise InvalidInputError("The group was not made.", errors)
        on_forge = self._taken_on_forge(name)
        with self._database.write() as session:
            _refuse_taken(session, name, on_forge=on_forge)
            first = _account(session, admin)
            number = GroupNumber(gid=_next_gid(session), group_name=name, given_at=now())
            session.add(number)
            session.flush()
            group = Group(name=name, title=title or name, gid=number.gid, created_at=now())
            group.members.append(GroupMember(user_id=first.id, role=Role.ADMIN, since=now()))
            session.add(group)
            session.flush()
            self._layout.ensure_group(name, number.gid)
        self.followers.follow(name)

    def change(self, identity: Identity, name: str, *, title: str | None = None) -> GroupView:
        """Change a group's title, as one of its admins or the workspace's."""
        with self._database.write() as session:
            row, role = _allowed(session, identity, name, change=True)
            require(identity, Action.CHANGE_GROUP, GroupFacts(role), f"change the group {name}")
            if title is not None:
                if errors := title_errors(title.strip()):
                    raise InvalidInputError("The group was not changed.", errors)
                row.title = title.strip()
                row.revision += 1
        self.followers.follow(name)
        return self.get(identity, name)

    def set_member(self, identity: Identity, name: str, user: str, role: str) -> MemberView:
        """Give a person a role in a group, whether or not they are a member, as one of its admins.

        Raises InvalidInputError for an account that is unknown, closed or the workspace's own and for an
        unknown role, and ConflictError where no admin would be left.
        """
        with self._database.write() as session:
            row, own = _allowed(session, identity, name, change=True)
            require(identity, Action.CHANGE_GROUP, GroupFacts(own), f"change the members of {name}")
            member = _set_member(session, row, user, role)
        self.followers.follow(name)
        return member

    def add_member(self, identity: Identity, name: str, user: str, role: str) -> MemberView:
        """Give a person who is no member yet a role; raises as `set_member` does, and for who is a member.

        Whoever adds somebody does not look at the list: nobody loses a role by that.
        """
        with self._database.write() as session:
            row, own = _allowed(session, identity, name, change=True)
            require(identity, Action.CHANGE_GROUP, GroupFacts(own), f"change the members of {name}")
            _refuse_member(session, row, user)
            member = _set_member(session, row, user, role)
        self.followers.follow(name)
        return member

    def remove_member(self, identity: Identity, name: str, user: str) -> None:
        """Take a person out of a group: anybody themselves, its admins everybody.

        Raises NotFoundError for somebody who is no member, and ConflictError for its last admin.
        """
        with self._database.write() as session:
            row, own = _allowed(session, identity, name, change=True)
            if user == identity.user and own is not None:
                require(identity, Action.LEAVE_GROUP, GroupFacts(own), f"leave {name}")
            else:
                require(identity, Action.CHANGE_GROUP, GroupFacts(own), f"change the members of {name}")
            _remove_member(session, row, user)
        self.followers.follow(name)

    def put_member(self, name: str, user: str, role: str | None) -> None:
        """Give a person a role in a group, or with None take them out of it; raises as the two above do."""
        with self._database.write() as session:
            row = _row(session, name, change=True)
            if role is None:
                _remove_member(session, row, user)
            else:
                _set_member(session, row, user, role)
        self.followers.follow(name)

    def widen(self, name: str, visibility: str) -> None:
        """Let a group's namespace on the forge be at least as visible as a project that is to be made in it.

        A group begins `private`, and a forge makes no project that is more visible than its group. Raises
        NotFoundError, and UnavailableError where the forge does not answer.
        """
        with self._database.write() as session:
            row = _row(session, name, change=True)
            if VISIBILITIES.index(visibility) > VISIBILITIES.index(row.visibility):
                row.visibility = visibility
                row.revision += 1
        self.followers.sync(name)

    def delete(self, identity: Identity, name: str, *, confirm: str) -> Removed:
        """Remove a group whose name `confirm` repeats, as one of its admins; raises as `remove` does."""
        facts = GroupFacts(self.get(identity, name).role)
        require(identity, Action.DELETE_GROUP, facts, f"remove the group {name}")
        return self.remove(name, confirm=confirm)

    def remove(self, name: str, *, confirm: str) -> Removed:
        """Remove a group that owns no project; its files are moved aside, never deleted.

        Raises InvalidInputError unless `confirm` is its name, ConflictError while it owns projects, and
        UnavailableError while the forge cannot say whether it does.
        """
        with self._database.read() as session:
            group = _row(session, name)
        if confirm != name:
            words = f"Type the group's name, {name}, to remove it."
            raise InvalidInputError("The group was not removed.", [FieldError("confirm", words)])
        if held := self._forge.projects(name, forge_mark(group.gid, group.created_at)):
            raise ConflictError(
                f"{name} still owns {', '.join(project.path for project in held[:5])}"
                f"{' and more' if len(held) > 5 else ''}. Remove or move its projects first."
            )
        with self._database.write() as session:
            row = _row(session, name, change=True)
            row.removing = True
            row.revision += 1
        done = True
        try:
            self.followers.sync(name)
        except UnavailableError as error:
            self.followers.note_trouble(name, error)
            done = False
        files = self._layout.aside(name, group.gid).relative_to(self._layout.root.parent)
        return Removed(name, PurePosixPath(files), done)

    def _taken_on_forge(self, name: str) -> bool:
        """Whether the forge has the name; one that does not answer is asked again when it follows."""
        try:
            return self._forge.taken(name)
        except UnavailableError:
            return False


def _allowed(
    session: Session, identity: Identity, name: str, *, change: bool = False
) -> tuple[Group, Role | None]:
    """Return a group and the caller's role in it; NotFoundError where they may not know of it."""
    row = _row(session, name, change=change)
    mine = session.scalar(
        select(GroupMember.role).join(User).where(GroupMember.group_id == row.id, User.name == identity.user)
    )
    role = None if mine is None else Role(mine)
    if not may(identity, Action.READ_GROUP, GroupFacts(role)):
        raise _unknown(name)
    return row, role


def _row(session: Session, name: str, *, change: bool = False) -> Group:
    """Return a group; one that is to be changed is changed by nobody else before this transaction ends."""
    query = select(Group).where(Group.name == name, Group.removing.is_(False))
    row = session.scalar(query.with_for_update() if change else query)
    if row is None:
        raise _unknown(name)
    return row


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"There is no group called “{name[:64]}”.")


def _account(session: Session, name: str) -> User:
    row = session.scalar(select(User).where(User.name == name))
    if row is None or row.system or row.disabled:
        words = f"There is no open account called “{name[:64]}”. Members need an account of this workspace."
        raise InvalidInputError("The members were not changed.", [FieldError("user", words)])
    return row


def _refuse_taken(session: Session, name: str, *, on_forge: bool) -> None:
    person = session.scalar(select(User.id).where(User.name == name))
    group = session.scalar(select(Group).where(Group.name == name))
    if group is not None and group.removing:
        words = f"A group called “{name}” is still being removed; try again when the forge answers."
    elif person is not None or group is not None:
        words = f"“{name}” is taken by a {'person' if person else 'group'}; choose another name."
    elif on_forge:
        words = f"“{name}” is taken on the forge; choose another name."
    else:
        return
    raise InvalidInputError("The group was not made.", [FieldError("name", words)])


def _next_gid(session: Session) -> int:
    """Return a number never given before: their rows stay, so the highest is known."""
    highest = session.scalar(select(func.max(GroupNumber.gid)))
    if highest is not None and highest >= LAST_GID:
        raise ConflictError(f"Every number for a group's files up to {LAST_GID} has been given.")
    return FIRST_GID if highest is None else highest + 1


def _set_member(session: Session, group: Group, user: str, role: str) -> MemberView:
    if errors := role_errors(role):
        raise InvalidInputError("The members were not changed.", errors)
    account = _account(session, user)
    member = session.get(GroupMember, (group.id, account.id))
    if member is None:
        member = GroupMember(group_id=group.id, user_id=account.id, since=now())
        session.add(member)
    elif member.role == Role.ADMIN and role != Role.ADMIN:
        _refuse_last_admin(session, group, account)
    member.role = role
    group.revision += 1
    return MemberView(account.name, account.display_name, Role(role), member.since)


def _refuse_member(session: Session, group: Group, user: str) -> None:
    known = select(GroupMember.role).join(User).where(GroupMember.group_id == group.id, User.name == user)
    role = session.scalar(known)
    if role is not None:
        words = f"{user} is a member already, as {role}. Another role is given in the list of members."
        raise InvalidInputError("The members were not changed.", [FieldError("user", words)])


def _remove_member(session: Session, group: Group, user: str) -> None:
    found = session.execute(
        select(GroupMember, User).join(User).where(GroupMember.group_id == group.id, User.name == user)
    ).first()
    if found is None:
        raise NotFoundError(f"{user[:64]} is no member of {group.name}.")
    member, account = found
    if member.role == Role.ADMIN:
        _refuse_last_admin(session, group, account)
    session.delete(member)
    group.revision += 1


def _refuse_last_admin(session: Session, group: Group, account: User) -> None:
    others = session.scalar(
        select(func.count())
        .select_from(GroupMember)
        .join(User)
        .where(
            GroupMember.group_id == group.id,
            GroupMember.role == Role.ADMIN,
            GroupMember.user_id != account.id,
            User.disabled.is_(False),
        )
    )
    if not others:
        raise ConflictError(
            f"{account.name} is the only admin of {group.name}. Make somebody else one first."
        )


def _count(session: Session, rows: Subquery) -> int:
    return session.scalar(select(func.count()).select_from(rows)) or 0


def _view(session: Session, row: Group, role: Role | None) -> GroupView:
    members = session.scalar(
        select(func.count()).select_from(GroupMember).where(GroupMember.group_id == row.id)
    )
    return GroupView(
        name=row.name,
        title=row.title,
        role=role,
        members=members or 0,
        gid=row.gid,
        trouble="" if row.followed == row.revision else row.trouble or "The forge is being told.",
        created_at=row.created_at,
        storage=SHARED / row.name,
    )
