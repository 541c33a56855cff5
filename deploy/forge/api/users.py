"""Users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from sqlalchemy import delete, or_, select, update

from deploy.forge import presenters
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import invalid, refused, taken
from deploy.forge.lookups import find_user
from deploy.forge.models import Member, MergeRequest, Namespace, Note, Project, Token, User

GHOST = "ghost@localhost"
USERNAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")
routes = Routes()


@routes.add("GET", "/user", "read_user")
def current(call: Call) -> Reply:
    """Return the caller."""
    return Reply(presenters.user(call.user, call.settings.external_url, full=True))


@routes.add("GET", "/users", "read_user")
def everyone(call: Call) -> Reply:
    """List users, by exact `username` or by `search`."""
    query = select(User).order_by(User.id)
    if username := call.params.text("username", ""):
        query = query.where(User.username == username)
    if search := call.params.text("search", ""):
        query = query.where(
            or_(User.username.contains(search), User.name.contains(search), User.email == search)
        )
    if call.params.flag("active"):
        query = query.where(User.state == "active")
    if call.params.flag("blocked"):
        query = query.where(User.state == "blocked")
    _ = call.user
    found = call.session.scalars(query).all()
    return call.page(found, lambda u: presenters.user(u, call.settings.external_url, full=call.actor.admin))


@routes.add("GET", "/users/:id", "read_user")
def one(call: Call) -> Reply:
    """Return a user."""
    found = find_user(call, call.args["id"])
    return Reply(presenters.user(found, call.settings.external_url, full=call.actor.admin))


@routes.add("POST", "/users")
def create(call: Call) -> Reply:
    """Make a user with a place of their own; nobody signs in here with a password, so none is kept."""
    call.require_admin()
    username, email = call.params.text("username"), call.params.text("email")
    if not USERNAME.fullmatch(username) or username.endswith((".git", ".atom", ".")):
        raise invalid("username")
    taken_path = select(Namespace).where(Namespace.full_path == username)
    if call.session.scalar(select(User).where(User.username == username)) or call.session.scalar(taken_path):
        raise refused("Username has already been taken", 409)
    if call.session.scalar(select(User).where(User.email == email)):
        raise refused("Email has already been taken", 409)
    made = add_user(call.session, username, call.params.text("name"), email, admin=call.params.flag("admin"))
    return Reply(presenters.user(made, call.settings.external_url, full=True), 201)


def add_user(session, username: str, name: str, email: str, *, admin: bool) -> User:  # type: ignore[no-untyped-def]
    """Add a user and their namespace."""
    made = User(username=username, name=name, email=email, admin=admin)
    session.add(made)
    session.flush()
    session.add(
        Namespace(
            kind="user", path=username, full_path=username, name=name, owner_id=made.id, visibility="public"
        )
    )
    session.flush()
    return made


def _leave_to_ghost(call: Call, user: User) -> None:
    """Let what a user did in merge requests stay, as done by the ghost who stands for everybody removed."""
    columns = (MergeRequest.author_id, MergeRequest.merged_by_id, MergeRequest.closed_by_id, Note.author_id)
    done = [
        column for column in columns if call.session.scalar(select(column).where(column == user.id).limit(1))
    ]
    if not done:
        return
    ghost = call.session.scalar(select(User).where(User.email == GHOST))
    if ghost is None:
        taken_paths = set(call.session.scalars(select(Namespace.full_path)))
        name = next(name for name in _ghost_names() if name not in taken_paths)
        ghost = add_user(call.session, name, "Ghost User", GHOST, admin=False)
        ghost.state = "blocked"
    for column in done:
        call.session.execute(update(column.class_).where(column == user.id).values({column: ghost.id}))


def _ghost_names() -> Iterator[str]:
    yield "ghost"
    yield from (f"ghost{number}" for number in count(1))


@routes.add("PUT", "/users/:id")
def change(call: Call) -> Reply:
    """Change a user's name, address or rank."""
    call.require_admin()
    found = find_user(call, call.args["id"])
    found.name = call.params.text("name", found.name)
    email = call.params.text("email", found.email)
    if email != found.email and call.session.scalar(select(User).where(User.email == email)):
        raise taken("email")
    found.email = email
    found.admin = call.params.flag("admin", found.admin)
    return Reply(presenters.user(found, call.settings.external_url, full=True))


@routes.add("POST", "/users/:id/block")
def block(call: Call) -> Reply:
    """Block a user: their tokens stop working."""
    return _set_state(call, "blocked")


@routes.add("POST", "/users/:id/unblock")
def unblock(call: Call) -> Reply:
    """Unblock a user."""
    return _set_state(call, "active")


def _set_state(call: Call, state: str) -> Reply:
    call.require_admin()
    find_user(call, call.args["id"]).state = state
    return Reply(True, 201)


@routes.add("DELETE", "/users/:id")
def remove(call: Call) -> Reply:
    """Remove a user who owns no project; what they wrote in merge requests stays."""
    call.require_admin()
    found = find_user(call, call.args["id"])
    own = call.session.scalar(select(Namespace).where(Namespace.owner_id == found.id))
    used = select(Project.id).where(
        or_(Project.namespace_id == (own.id if own else 0), Project.creator_id == found.id)
    )
    if call.session.scalar(used.limit(1)) is not None:
        raise refused("User has projects; move or delete them first", 409)
    _leave_to_ghost(call, found)
    call.session.execute(delete(Token).where(Token.user_id == found.id))
    call.session.execute(delete(Member).where(Member.user_id == found.id))
    if own is not None:
        call.session.delete(own)
    call.session.flush()
    call.session.delete(found)
    return Reply(None, 204)
