"""Members of groups and projects."""

from __future__ import annotations

from sqlalchemy import select

from deploy.forge import presenters
from deploy.forge.access import namespace_level, project_level
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import forbidden, invalid, not_found, refused
from deploy.forge.lookups import find_group, find_project, find_user
from deploy.forge.models import Member, Namespace, Project, User
from deploy.forge.policy import LEVELS, maintains

routes = Routes()
Owner = tuple[Namespace | Project, int | None]


def _owner(call: Call) -> Owner:
    if call.path.startswith("/groups/"):
        return find_group(call, call.args["id"])
    return find_project(call, call.args["id"])


def _where(owner: Namespace | Project):  # type: ignore[no-untyped-def]
    return Member.namespace_id == owner.id if isinstance(owner, Namespace) else Member.project_id == owner.id


def _level(call: Call, user: User, owner: Namespace | Project) -> int | None:
    if user.admin:  # an administrator reaches everything, and is a member only where somebody added them
        direct = call.session.scalar(select(Member).where(_where(owner), Member.user_id == user.id))
        return None if direct is None else direct.access_level
    if isinstance(owner, Namespace):
        return namespace_level(call.session, user, owner)
    return project_level(call.session, user, owner)


def listed(call: Call) -> Reply:
    """List those who were added here."""
    owner, _ = _owner(call)
    rows = call.session.scalars(select(Member).where(_where(owner)).order_by(Member.id)).all()
    return call.page(rows, lambda m: presenters.member(m, call.settings.external_url))


def everyone(call: Call) -> Reply:
    """List members with those of the groups above, each once with their highest level."""
    owner, _ = _owner(call)
    users = call.session.scalars(select(User).join(Member).distinct().order_by(User.id)).all()
    found = [(user, level) for user in users if (level := _level(call, user, owner)) is not None]
    return call.page(found, lambda row: _shown(call, *row))


def one(call: Call) -> Reply:
    """Return a member who was added here."""
    return Reply(presenters.member(_find(call, _owner(call)[0]), call.settings.external_url))


def one_of_all(call: Call) -> Reply:
    """Return a member, here or through a group above."""
    owner, _ = _owner(call)
    user = find_user(call, call.args["user"])
    level = _level(call, user, owner)
    if level is None:
        raise not_found()
    return Reply(_shown(call, user, level))


def add(call: Call) -> Reply:
    """Add a member."""
    owner, level = _owner(call)
    wanted = _wanted_level(call, level)
    user = find_user(call, str(call.params.number("user_id")))
    if call.session.scalar(select(Member).where(_where(owner), Member.user_id == user.id)):
        raise refused("Member already exists", 409)
    key = {"namespace_id": owner.id} if isinstance(owner, Namespace) else {"project_id": owner.id}
    made = Member(user_id=user.id, access_level=wanted, expires_at=call.params.date("expires_at"), **key)
    call.session.add(made)
    call.session.flush()
    call.session.refresh(made)
    return Reply(presenters.member(made, call.settings.external_url), 201)


def change(call: Call) -> Reply:
    """Change a member's level."""
    owner, level = _owner(call)
    wanted = _wanted_level(call, level)
    found = _find(call, owner)
    found.access_level = wanted
    if "expires_at" in call.params:
        found.expires_at = call.params.date("expires_at")
    return Reply(presenters.member(found, call.settings.external_url))


def remove(call: Call) -> Reply:
    """Remove a member; everybody may remove themselves."""
    owner, level = _owner(call)
    found = _find(call, owner)
    if not maintains(level) and found.user_id != call.user.id:
        raise forbidden()
    call.session.delete(found)
    return Reply(None, 204)


def _wanted_level(call: Call, own: int | None) -> int:
    _ = call.user
    if not maintains(own):
        raise forbidden()
    wanted = call.params.number("access_level")
    if wanted not in LEVELS:
        raise invalid("access_level")
    if own is not None and wanted > own:
        raise forbidden()
    return wanted


def _find(call: Call, owner: Namespace | Project) -> Member:
    user = find_user(call, call.args["user"])
    found = call.session.scalar(select(Member).where(_where(owner), Member.user_id == user.id))
    if found is None:
        raise not_found()
    return found


def _shown(call: Call, user: User, level: int) -> presenters.Json:
    return presenters.user(user, call.settings.external_url) | {
        "access_level": level,
        "expires_at": None,
        "membership_state": "active",
    }


for kind in ("groups", "projects"):
    routes.add("GET", f"/{kind}/:id/members")(listed)
    routes.add("GET", f"/{kind}/:id/members/all")(everyone)
    routes.add("GET", f"/{kind}/:id/members/all/:user")(one_of_all)
    routes.add("GET", f"/{kind}/:id/members/:user")(one)
    routes.add("POST", f"/{kind}/:id/members")(add)
    routes.add("PUT", f"/{kind}/:id/members/:user")(change)
    routes.add("DELETE", f"/{kind}/:id/members/:user")(remove)
