"""Webhooks of projects, and those of the whole forge (system hooks)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from sqlalchemy import select

from deploy.forge import presenters
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.courier import is_local
from deploy.forge.errors import ApiError, forbidden, not_found
from deploy.forge.lookups import find_project
from deploy.forge.models import Hook
from deploy.forge.policy import maintains

FLAGS = ("push_events", "tag_push_events", "merge_requests_events", "enable_ssl_verification")
routes = Routes()


def everything(call: Call) -> Reply:
    """List hooks."""
    owner = _owner(call)
    return call.page(call.session.scalars(_query(owner).order_by(Hook.id)).all(), presenters.hook)


def one(call: Call) -> Reply:
    """Return a hook, without its token."""
    return Reply(presenters.hook(_find(call, _owner(call))))


def create(call: Call) -> Reply:
    """Have an address told of events: of pushes unless it says no, of others where it asks for them."""
    owner = _owner(call)
    made = Hook(
        project_id=owner,
        url=_address(call),
        trusted=call.actor.admin,
        name=call.params.text("name", "", limit=255),
        description=call.params.text("description", "", limit=2048),
        token=call.params.text("token", "", limit=2048),
        push_events=call.params.flag("push_events", owner is not None),
        tag_push_events=call.params.flag("tag_push_events"),
        merge_requests_events=call.params.flag("merge_requests_events"),
        enable_ssl_verification=call.params.flag("enable_ssl_verification", default=True),
    )
    call.session.add(made)
    call.session.flush()
    return Reply(presenters.hook(made), 201)


def change(call: Call) -> Reply:
    """Change a hook; a token that is not given again stays, unless the address changes."""
    found = _find(call, _owner(call))
    url = _address(call) if call.params.text("url", "") else found.url
    if (
        url != found.url
    ):  # whoever may only maintain must not send the token that is kept to a place of theirs
        found.url, found.trusted, found.token = url, call.actor.admin, ""
    found.name = call.params.text("name", found.name, limit=255)
    found.description = call.params.text("description", found.description, limit=2048)
    if "token" in call.params:
        found.token = call.params.text("token", "", limit=2048)
    for flag in FLAGS:
        setattr(found, flag, call.params.flag(flag, getattr(found, flag)))
    return Reply(presenters.hook(found))


def remove(call: Call) -> Reply:
    """Remove a hook, with what it has not been told yet."""
    call.session.delete(_find(call, _owner(call)))
    return Reply(None, 204)


def _owner(call: Call) -> int | None:
    """Return the project of the call, or None for the whole forge; refuses who may not decide there."""
    _ = call.user
    if "id" not in call.args:
        call.require_admin()
        return None
    project, level = find_project(call, call.args["id"])
    if not maintains(level):
        raise forbidden()
    return project.id


def _query(owner: int | None):  # type: ignore[no-untyped-def]
    return select(Hook).where(Hook.project_id == owner if owner is not None else Hook.project_id.is_(None))


def _find(call: Call, owner: int | None) -> Hook:
    number = call.args["hook"]
    found = call.session.scalar(_query(owner).where(Hook.id == int(number))) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found  # type: ignore[no-any-return]


def _address(call: Call) -> str:
    """Return the address that the call gives; only an administrator may give one of the local network."""
    url = call.params.text("url", limit=2048)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ApiError(422, {"error": "Invalid url given"}) from None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or ord(c) < 32 for c in url):
        raise ApiError(422, {"error": "Invalid url given"})
    if not call.actor.admin and _names_local(host):
        words = "Invalid url given: only an administrator may name an address of the local network"
        raise ApiError(422, {"error": words})
    return url


def _names_local(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:  # a name is looked up when an event is delivered
        return host == "localhost" or host.endswith(".localhost")
    return is_local(host)


for prefix in ("/projects/:id", ""):
    routes.add("GET", f"{prefix}/hooks")(everything)
    routes.add("GET", f"{prefix}/hooks/:hook")(one)
    routes.add("POST", f"{prefix}/hooks")(create)
    routes.add("PUT", f"{prefix}/hooks/:hook")(change)
    routes.add("DELETE", f"{prefix}/hooks/:hook")(remove)
