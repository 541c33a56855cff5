"""Projects."""

from __future__ import annotations

import re

from sqlalchemy import delete, func, or_, select

from deploy.forge.access import namespace_level, project_level
from deploy.forge.announcing import announce
from deploy.forge.api import shown
from deploy.forge.api.groups import check_path
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import ApiError, forbidden, not_found, taken
from deploy.forge.events import tell_merge_request
from deploy.forge.git.repository import Change, check_ref
from deploy.forge.lookups import checked_visibility, find_project
from deploy.forge.merge_requests import note_closed, opened_from
from deploy.forge.models import Import, Member, Namespace, Project, RetiredProject, now
from deploy.forge.policy import VISIBILITIES, maintains, owns, sees
from deploy.forge.sources import Source, SourceError, checked_source

routes = Routes()
ORDERS = {"id": Project.id, "name": Project.name, "path": Project.path, "created_at": Project.created_at,
          "last_activity_at": Project.last_activity_at, "updated_at": Project.last_activity_at}  # fmt: skip


@routes.add("GET", "/projects")
def everything(call: Call) -> Reply:
    """List the projects that the caller may see."""
    column = ORDERS[call.params.choice("order_by", ORDERS, "created_at")]
    query = select(Project).order_by(
        column.asc() if call.params.text("sort", "desc") == "asc" else column.desc(), Project.id.desc()
    )
    if search := call.params.text("search", ""):
        query = query.where(or_(Project.name.contains(search), Project.path.contains(search)))
    if visibility := call.params.choice("visibility", ("", *VISIBILITIES), ""):
        query = query.where(Project.visibility == visibility)
    user = call.actor.user
    wanted_topics = set(call.params.words("topic"))
    member_only = call.params.flag("membership") or call.params.flag("owned")
    found = []
    for project in call.session.scalars(query):
        level = project_level(call.session, user, project)
        if not sees(project.visibility, level, signed_in=user is not None):
            continue
        if member_only and not is_member(call, project):
            continue
        if wanted_topics <= set(project.topics.split("\n")) or not wanted_topics:
            found.append((project, level))
    return call.page(found, lambda row: shown.project(call, *row))


@routes.add("GET", "/projects/:id")
def one(call: Call) -> Reply:
    """Return a project, by id or full path."""
    return Reply(shown.project(call, *find_project(call, call.args["id"])))


@routes.add("POST", "/projects")
def create(call: Call) -> Reply:
    """Make a project in the caller's own namespace, or in `namespace_id`; fill it from `import_url`."""
    user = call.user
    source = _source(call)
    name = call.params.text("name", call.params.text("path", "") or None)
    path = call.params.text("path", "") or re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-").lower()
    check_path(path)
    namespace = _namespace(call)
    if not maintains(namespace_level(call.session, user, namespace)):
        raise forbidden()
    same = select(Project).where(Project.namespace_id == namespace.id, Project.path == path)
    if call.session.scalar(same) is not None:
        raise taken("path")
    branch = call.params.text("default_branch", "main")
    check_ref(f"refs/heads/{branch}")
    made = Project(
        id=new_id(call),
        namespace_id=namespace.id,
        path=path,
        name=name,
        description=call.params.text("description", ""),
        visibility=checked_visibility(call, "private", namespace),
        default_branch=branch,
        topics="\n".join(call.params.words("topics") or call.params.words("tag_list")),
        creator_id=user.id,
    )
    call.session.add(made)
    call.session.flush()
    call.session.refresh(made)
    call.repositories.create(made.id, branch)
    if source is not None:
        call.session.add(Import(project_id=made.id, url=source.url))
        call.session.flush()
    elif call.params.flag("initialize_with_readme"):
        seconds = f"{int(now().timestamp())} +0000"
        text = f"# {name}\n".encode()
        call.repositories.of(made.id).write(
            branch,
            None,
            [Change("README.md", text)],
            message="Initial commit",
            author=(user.name, user.email),
            moment=seconds,
        )
    made.watched = True
    announce(call, made, user)
    return Reply(shown.project(call, made, project_level(call.session, user, made)), 201)


@routes.add("PUT", "/projects/:id")
def change(call: Call) -> Reply:
    """Change a project's name, description, visibility, topics or default branch."""
    found, level = find_project(call, call.args["id"])
    if not maintains(level):
        raise forbidden()
    found.name = call.params.text("name", found.name)
    found.description = call.params.text("description", found.description)
    found.visibility = checked_visibility(call, found.visibility, found.namespace, found.forked_from)
    if "topics" in call.params:
        found.topics = "\n".join(call.params.words("topics"))
    branch = call.params.text("default_branch", found.default_branch)
    if branch != found.default_branch:
        check_ref(f"refs/heads/{branch}")
        if call.repositories.of(found.id).branch(branch) is None:
            raise not_found("Branch")
        found.default_branch = branch
        call.repositories.of(found.id).head_to(branch)
    return Reply(shown.project(call, found, level))


@routes.add("DELETE", "/projects/:id")
def remove(call: Call) -> Reply:
    """Remove a project with its repository; its forks stay whole, what it proposed elsewhere is closed."""
    found, level = find_project(call, call.args["id"])
    if not owns(level):
        raise forbidden()
    user, project_id = call.user, found.id
    for mr in opened_from(call, found):
        if mr.target_project_id != project_id:
            note_closed(mr, user)
            tell_merge_request(call, mr, user, "close")
    for fork in call.session.scalars(select(Project).where(Project.forked_from_id == project_id)):
        fork.forked_from_id = None
    call.session.execute(delete(Member).where(Member.project_id == project_id))
    call.session.add(RetiredProject(id=project_id))
    call.session.flush()
    call.session.execute(delete(Project).where(Project.id == project_id))
    call.afterwards.append(lambda: call.repositories.remove(project_id))
    return Reply({"message": "202 Accepted"}, 202)


def new_id(call: Call) -> int:
    """Return an id that no project has or had."""
    used = (call.session.scalar(select(func.max(table.id))) or 0 for table in (Project, RetiredProject))
    return max(used) + 1


def _source(call: Call) -> Source | None:
    """Return where the project is to be imported from, if the call says so."""
    url = call.params.text("import_url", "")
    if not url:
        return None
    try:
        return checked_source(url, call.settings.import_hosts)
    except SourceError as error:
        raise ApiError(400, {"message": {"import_url": [str(error)]}}) from None


def _namespace(call: Call) -> Namespace:
    if call.params.text("namespace_id", ""):
        found = call.session.get(Namespace, call.params.number("namespace_id"))
    else:
        found = call.session.scalar(select(Namespace).where(Namespace.owner_id == call.user.id))
    if found is None:
        raise not_found("Namespace")
    return found


def is_member(call: Call, project: Project) -> bool:
    """Whether the caller is a member themselves, or with `owned` an owner."""
    user = call.user
    if call.params.flag("owned"):
        return project.namespace.owner_id == user.id or _direct(call, project) == 50
    return project.namespace.owner_id == user.id or _direct(call, project) is not None


def _direct(call: Call, project: Project) -> int | None:
    here = or_(Member.project_id == project.id, Member.namespace_id == project.namespace_id)
    found = call.session.scalars(select(Member.access_level).where(Member.user_id == call.user.id, here))
    return max(found, default=None)
