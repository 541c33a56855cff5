"""What a key looks like, how people's own are sealed, and who may share the workspace's."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, or_, select
from sqlalchemy.orm import Session

from auth.seals import Seal
from workspace_api.alphagenome.models import AlphaGenomeSharing
from workspace_api.groups.models import Group, GroupMember
from workspace_api.people.models import User

EVERYBODY = ""  # in the place of a group's name
SEALED_FOR = "alphagenome keys"


def is_key(text: str) -> bool:
    """Whether `text` can be a key at all."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def key_seal(secret_key: str) -> Seal:
    """Return what people's own keys are sealed with, for as long as they are kept."""
    return Seal(secret_key, SEALED_FOR, None)


# Made once: it is asked for every call of the gateway.
SHARED = (
    select(AlphaGenomeSharing.visitors)
    .where(
        or_(
            AlphaGenomeSharing.group == EVERYBODY,
            AlphaGenomeSharing.group.in_(
                select(Group.name)
                .join(GroupMember, GroupMember.group_id == Group.id)
                .join(User, User.id == GroupMember.user_id)
                .where(User.name == bindparam("user"), Group.removing.is_(False))
            ),
        )
    )
    .order_by(AlphaGenomeSharing.visitors.desc())
    .limit(1)
)


def shares(connection: Connection | Session, user: str, *, visitor: bool = False) -> bool:
    """Whether an administrator confirmed that somebody may ask with the workspace's key."""
    visitors = connection.execute(SHARED, {"user": user}).scalar()
    return bool(visitors) if visitor else visitors is not None
