"""Forks: copies of a project that know where they come from."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from deploy.forge.access import namespace_level, project_level
from deploy.forge.announcing import watch
from deploy.forge.api import shown
from deploy.forge.api.groups import check_path
from deploy.forge.api.projects import is_member, new_id
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import ApiError, not_found
from deploy.forge.lookups import checked_visibility, find_project, lesser_visibility, readable
from deploy.forge.models import Namespace, Project
from deploy.forge.policy import maintains, sees

routes = Routes()


@routes.add("POST", "/projects/:id/fork")
def fork(call: Call) -> Reply:
    """Copy a project into the caller's own namespace, or the one that is named."""
    user = call.user
    origin, _, _ = readable(call)
    namespace = _namespace(call)
    if namespace is None or not maintains(namespace_level(call.session, user, namespace)):
        raise not_found("Target Namespace")
    name, path = call.params.text("name", origin.name, limit=255), call.params.text("path", origin.path)
    check_path(path)
    _check_free(call, namespace, name, path)
    limit = namespace.visibility if namespace.kind == "group" else origin.visibility
    if origin.network_id is None:
        origin.network_id = origin.id
    made = Project(
        id=new_id(call),
        namespace_id=namespace.id,
        path=path,
        name=name,
        description=call.params.text("description", origin.description),
        visibility=checked_visibility(call, lesser_visibility(origin.visibility, limit), namespace, origin),
        default_branch=origin.default_branch,
        topics=origin.topics,
        creator_id=user.id,
        forked_from_id=origin.id,
        network_id=origin.network_id,
    )
    call.session.add(made)
    call.session.flush()
    call.session.refresh(made)
    call.repositories.fork(origin.id, made.id, origin.default_branch)
    watch(call, made)
    return Reply(shown.project(call, made, project_level(call.session, user, made)), 201)


@routes.add("GET", "/projects/:id/forks")
def forks(call: Call) -> Reply:
    """List the forks of a project that the caller may see; `owned` and `membership` narrow it to theirs."""
    origin, _ = find_project(call, call.args["id"])
    query = select(Project).where(Project.forked_from_id == origin.id).order_by(Project.id.desc())
    if search := call.params.text("search", ""):
        query = query.where(or_(Project.name.contains(search), Project.path.contains(search)))
    user = call.actor.user
    member_only = call.params.flag("membership") or call.params.flag("owned")
    found = []
    for project in call.session.scalars(query):
        level = project_level(call.session, user, project)
        if member_only and not is_member(call, project):
            continue
        if sees(project.visibility, level, signed_in=user is not None):
            found.append((project, level))
    return call.page(found, lambda row: shown.project(call, *row))


def _namespace(call: Call) -> Namespace | None:
    """Return the namespace that the call names by id or path, the caller's own where it names none."""
    params = call.params
    number = params.number("namespace_id", 0)
    named = params.text("namespace_path", params.text("namespace", ""))
    if number:
        where = Namespace.id == number
    elif named.isdigit() and "namespace_path" not in params:
        where = Namespace.id == int(named)
    elif named:
        where = Namespace.full_path == named
    else:
        where = Namespace.owner_id == call.user.id
    return call.session.scalar(select(Namespace).where(where))


def _check_free(call: Call, namespace: Namespace, name: str, path: str) -> None:
    inside = select(func.count()).where(Project.namespace_id == namespace.id)
    wanted = {"name": Project.name == name, "path": Project.path == path}
    taken = [field for field, same in wanted.items() if call.session.scalar(inside.where(same))]
    if taken:
        raise ApiError(409, {"message": {field: ["has already been taken"] for field in taken}})
