"""Lets the forge and the disk follow what the database says of groups."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from auth.permissions import Role
from nfs.layout import StorageLayout
from workspace_api.database import Database
from workspace_api.errors import ConflictError, WorkspaceError
from workspace_api.forge.members import ForgeMembers
from workspace_api.groups.models import Group, GroupMember
from workspace_api.groups.rules import ACCESS_LEVELS, forge_mark
from workspace_api.groups.views import Wanted
from workspace_api.people.models import User

logger = logging.getLogger(__name__)


class Followers:
    """Brings the forge and the disk to what is wanted, as often as it takes.

    A change is first written down as a new revision of its group. Whoever brings the forge to a revision
    looks again when done: a newer one is then followed too, so that the last to touch the forge knows the
    newest.
    """

    def __init__(self, database: Database, forge: ForgeMembers, layout: StorageLayout) -> None:
        self._database = database
        self._forge = forge
        self._layout = layout
        self._lock = threading.Lock()
        self._groups: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def follow(self, name: str) -> bool:
        """Bring one group to what is wanted, and return whether that was possible.

        Why it was not is kept with the group, for its page and for the log; a later call goes on from there.
        """
        try:
            self.sync(name)
        except WorkspaceError as error:
            self.note_trouble(name, error)
            return False
        return True

    def note_trouble(self, name: str, error: WorkspaceError) -> None:
        """Keep why a group could not be followed."""
        logger.warning("the forge has not followed the group %s: %s", name, error.detail)
        with self._database.write() as session:
            session.execute(update(Group).where(Group.name == name).values(trouble=error.detail))

    def sync(self, name: str) -> None:
        """Bring one group to what is wanted; safe to repeat, and nothing happens for an unknown one.

        Raises UnavailableError where the forge does not answer, and ConflictError where the name is
        somebody else's there or a group that is to go still owns projects.
        """
        with self._lock:
            lock = self._groups[name]
        with lock:
            while (wanted := self._wanted(name)) is not None:
                if wanted.removing:
                    self._remove(wanted)
                    return
                self._bring(wanted)
                if self._reached(wanted):
                    return

    def follow_waiting(self) -> list[str]:
        """Bring every group to what is wanted that is not there yet, and return those that still wait."""
        with self._database.read() as session:
            behind = or_(Group.followed != Group.revision, Group.removing)
            names = session.scalars(select(Group.name).where(behind).order_by(Group.name)).all()
        return [name for name in names if not self.follow(name)]

    def _wanted(self, name: str) -> Wanted | None:
        with self._database.read() as session:
            group = session.scalar(select(Group).where(Group.name == name))
            return None if group is None else _wanted(session, group)

    def _bring(self, wanted: Wanted) -> None:
        self._layout.ensure_group(wanted.name, wanted.gid)
        self._forge.ensure_group(wanted.name, wanted.title, wanted.mark, wanted.visibility)
        levels = {
            self._forge.user(name, shown): ACCESS_LEVELS[role]
            for name, (shown, role) in wanted.people.items()
        }
        self._forge.set_members(wanted.name, levels)

    def _reached(self, wanted: Wanted) -> bool:
        """Note that the forge has followed; False where there is a newer revision by now."""
        with self._database.write() as session:
            noted = session.execute(
                update(Group)
                .where(Group.name == wanted.name, Group.revision == wanted.revision)
                .values(followed=wanted.revision, trouble="")
                .returning(Group.id)
            )
            return noted.first() is not None

    def _remove(self, wanted: Wanted) -> None:
        """Remove the group from the forge, then its files from sight, then itself."""
        try:
            self._forge.remove_group(wanted.name, wanted.mark)
        except ConflictError:  # somebody has made a project in it just now: it stays
            with self._database.write() as session:
                session.execute(update(Group).where(Group.name == wanted.name).values(removing=False))
            raise
        self._layout.set_aside(wanted.name, wanted.gid)
        with self._database.write() as session:
            gone = select(Group.id).where(Group.name == wanted.name, Group.gid == wanted.gid)
            session.execute(delete(GroupMember).where(GroupMember.group_id.in_(gone)))
            session.execute(delete(Group).where(Group.name == wanted.name, Group.gid == wanted.gid))


def _wanted(session: Session, group: Group) -> Wanted:
    people = session.execute(
        select(User.name, User.display_name, GroupMember.role)
        .join(GroupMember, GroupMember.user_id == User.id)
        .where(GroupMember.group_id == group.id, User.disabled.is_(False))
    )
    return Wanted(
        name=group.name,
        title=group.title,
        gid=group.gid,
        mark=forge_mark(group.gid, group.created_at),
        visibility=group.visibility,
        removing=group.removing,
        revision=group.revision,
        people={name: (shown, Role(role)) for name, shown, role in people},
    )
