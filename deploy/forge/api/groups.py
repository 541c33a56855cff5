"""Groups and namespaces."""

from __future__ import annotations

import re

from sqlalchemy import delete, or_, select

from deploy.forge import presenters
from deploy.forge.access import namespace_level, project_level
from deploy.forge.api import shown
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import forbidden, invalid, not_found, refused
from deploy.forge.lookups import checked_visibility, find_group
from deploy.forge.models import Member, Namespace, Project
from deploy.forge.policy import OWNER, maintains, owns, sees

PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")
RESERVED = frozenset({"api", "groups", "users", "admin", "help", "-", "explore", "dashboard"})
routes = Routes()


def check_path(path: str) -> None:
    """Refuse a path that cannot be part of an address."""
    if not PATH.fullmatch(path) or path.endswith((".git", ".atom", ".")) or path.lower() in RESERVED:
        raise invalid("path")


@routes.add("GET", "/groups")
def everything(call: Call) -> Reply:
    """List the groups that the caller may see."""
    query = select(Namespace).where(Namespace.kind == "group").order_by(Namespace.full_path)
    if search := call.params.text("search", ""):
        query = query.where(or_(Namespace.name.contains(search), Namespace.full_path.contains(search)))
    if call.params.flag("top_level_only"):
        query = query.where(Namespace.parent_id.is_(None))
    return call.page(_seen(call, query), lambda g: presenters.group(g, call.settings.external_url))


@routes.add("GET", "/groups/:id")
def one(call: Call) -> Reply:
    """Return a group."""
    found, _ = find_group(call, call.args["id"])
    return Reply(presenters.group(found, call.settings.external_url))


@routes.add("GET", "/groups/:id/subgroups")
def subgroups(call: Call) -> Reply:
    """List the groups directly below a group."""
    found, _ = find_group(call, call.args["id"])
    query = select(Namespace).where(Namespace.parent_id == found.id).order_by(Namespace.full_path)
    return call.page(_seen(call, query), lambda g: presenters.group(g, call.settings.external_url))


@routes.add("GET", "/groups/:id/projects")
def projects(call: Call) -> Reply:
    """List a group's projects."""
    found, _ = find_group(call, call.args["id"])
    inside = call.session.scalars(
        select(Project).where(Project.namespace_id == found.id).order_by(Project.id)
    )
    seen = [(p, project_level(call.session, call.actor.user, p)) for p in inside]
    signed_in = call.actor.user is not None
    rows = [(p, level) for p, level in seen if sees(p.visibility, level, signed_in=signed_in)]
    return call.page(rows, lambda row: shown.project(call, *row))


@routes.add("POST", "/groups")
def create(call: Call) -> Reply:
    """Make a group, at the top or below `parent_id`; whoever makes it owns it."""
    user, path = call.user, call.params.text("path")
    check_path(path)
    parent = None
    if call.params.text("parent_id", ""):
        parent, level = find_group(call, str(call.params.number("parent_id")))
        if not maintains(level):
            raise forbidden()
    full_path = f"{parent.full_path}/{path}" if parent else path
    if call.session.scalar(select(Namespace).where(Namespace.full_path == full_path)):
        raise refused('Failed to save group {:path=>["has already been taken"]}')
    made = Namespace(
        kind="group",
        path=path,
        full_path=full_path,
        name=call.params.text("name"),
        description=call.params.text("description", ""),
        visibility=checked_visibility(call, parent.visibility if parent else "private", parent),
        parent_id=parent.id if parent else None,
    )
    call.session.add(made)
    call.session.flush()
    call.session.add(Member(user_id=user.id, namespace_id=made.id, access_level=OWNER))
    return Reply(presenters.group(made, call.settings.external_url), 201)


@routes.add("PUT", "/groups/:id")
def change(call: Call) -> Reply:
    """Change a group's name, description or visibility."""
    found, level = find_group(call, call.args["id"])
    if not owns(level):
        raise forbidden()
    found.name = call.params.text("name", found.name)
    found.description = call.params.text("description", found.description)
    found.visibility = checked_visibility(call, found.visibility, found.parent)
    return Reply(presenters.group(found, call.settings.external_url))


@routes.add("DELETE", "/groups/:id")
def remove(call: Call) -> Reply:
    """Remove a group that holds nothing."""
    found, level = find_group(call, call.args["id"])
    if not owns(level):
        raise forbidden()
    inside = call.session.scalar(select(Project.id).where(Project.namespace_id == found.id).limit(1))
    below = call.session.scalar(select(Namespace.id).where(Namespace.parent_id == found.id).limit(1))
    if inside is not None or below is not None:
        raise refused("The group still holds projects or groups; delete those first", 409)
    call.session.execute(delete(Member).where(Member.namespace_id == found.id))
    call.session.delete(found)
    return Reply({"message": "202 Accepted"}, 202)


@routes.add("GET", "/namespaces")
def namespaces(call: Call) -> Reply:
    """List the namespaces in which the caller may make projects."""
    user = call.user
    query = select(Namespace).order_by(Namespace.full_path)
    if search := call.params.text("search", ""):
        query = query.where(Namespace.full_path.contains(search))
    mine = [n for n in call.session.scalars(query) if maintains(namespace_level(call.session, user, n))]
    return call.page(mine, lambda n: presenters.namespace(n, call.settings.external_url))


@routes.add("GET", "/namespaces/:id")
def a_namespace(call: Call) -> Reply:
    """Return a namespace, by id or full path."""
    name = call.args["id"]
    where = Namespace.id == int(name) if name.isdigit() else Namespace.full_path == name
    found = call.session.scalar(select(Namespace).where(where))
    _ = call.user
    if found is None or (
        found.kind == "group"
        and not sees(found.visibility, namespace_level(call.session, call.user, found), signed_in=True)
    ):
        raise not_found("Namespace")
    return Reply(presenters.namespace(found, call.settings.external_url))


def _seen(call: Call, query) -> list[Namespace]:  # type: ignore[no-untyped-def]
    user = call.actor.user
    return [
        g
        for g in call.session.scalars(query)
        if sees(g.visibility, namespace_level(call.session, user, g), signed_in=user is not None)
    ]
