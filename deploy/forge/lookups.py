"""Finding what a call names, as far as its caller may know of it."""

from __future__ import annotations

from sqlalchemy import select

from deploy.forge.access import namespace_level, project_level
from deploy.forge.calls import Call
from deploy.forge.errors import forbidden, not_found, refused
from deploy.forge.git.repository import Repository
from deploy.forge.models import MergeRequest, Namespace, Project, User
from deploy.forge.policy import VISIBILITIES, allowed_within, reads_code, sees, writes_code


def find_user(call: Call, name: str) -> User:
    """Return the user of an id or user name."""
    where = User.id == int(name) if name.isdigit() else User.username == name
    found = call.session.scalar(select(User).where(where))
    if found is None:
        raise not_found("User")
    return found


def find_group(call: Call, name: str) -> tuple[Namespace, int | None]:
    """Return the group of an id or full path, with the caller's level in it."""
    where = Namespace.id == int(name) if name.isdigit() else Namespace.full_path == name
    found = call.session.scalar(select(Namespace).where(where, Namespace.kind == "group"))
    if found is None:
        raise not_found("Group")
    level = namespace_level(call.session, call.actor.user, found)
    if not sees(found.visibility, level, signed_in=call.actor.user is not None):
        raise not_found("Group")
    return found, level


def find_project(call: Call, name: str) -> tuple[Project, int | None]:
    """Return the project of an id or full path, with the caller's level in it."""
    found = project_named(call, name)
    if found is None:
        raise not_found("Project")
    level = project_level(call.session, call.actor.user, found)
    if not sees(found.visibility, level, signed_in=call.actor.user is not None):
        raise not_found("Project")
    return found, level


def project_named(call: Call, name: str) -> Project | None:
    """Return the project of an id or full path, whoever asks."""
    if name.isdigit():
        return call.session.get(Project, int(name))
    parent, _, path = name.rpartition("/")
    where = (Namespace.full_path == parent, Project.path == path)
    return call.session.scalar(select(Project).join(Namespace).where(*where))


def readable(call: Call) -> tuple[Project, int | None, Repository]:
    """Return the project of the call with its repository, for somebody who may read the code."""
    return find_readable(call, call.args["id"])


def find_readable(call: Call, name: str) -> tuple[Project, int | None, Repository]:
    """Return the project of an id or full path with its repository, for somebody who may read the code."""
    project, level = find_project(call, name)
    if not reads_code(project.visibility, level, signed_in=call.actor.user is not None):
        raise forbidden()
    return project, level, call.repositories.of(project.id)


def writable(call: Call) -> tuple[Project, Repository]:
    """Return the project of the call with its repository, for somebody who may change the code."""
    _ = call.user
    project, level, repository = readable(call)
    if not writes_code(level):
        raise forbidden()
    return project, repository


def commit_of(call: Call, repository: Repository, project: Project, ref: str) -> str:
    """Return the commit that `ref` names; `HEAD` is the default branch."""
    found = repository.resolve(project.default_branch if ref == "HEAD" else ref)
    if found is None:
        raise not_found("Commit" if ref else "Tree")
    return found


def find_merge_request(call: Call) -> MergeRequest:
    """Return the merge request of the call, for somebody who may read the code of its target."""
    project, _, _ = readable(call)
    number = call.args["iid"]
    query = select(MergeRequest).where(MergeRequest.target_project_id == project.id)
    found = call.session.scalar(query.where(MergeRequest.iid == int(number))) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


def web_url(call: Call, project: Project) -> str:
    """Return the address of a project."""
    return call.url(project)


def lesser_visibility(one: str, other: str) -> str:
    """Return the one of two visibilities that shows less."""
    return min(one, other, key=VISIBILITIES.index)


def checked_visibility(
    call: Call, default: str, parent: Namespace | None, origin: Project | None = None
) -> str:
    """Return the visibility that the call asks for, if the parent group and a fork's origin allow it."""
    wanted = call.params.choice("visibility", VISIBILITIES, default)
    if parent is not None and parent.kind == "group" and not allowed_within(wanted, parent.visibility):
        raise refused(f"visibility_level: {wanted} is not allowed in a {parent.visibility} group.")
    if origin is not None and wanted != default and not allowed_within(wanted, origin.visibility):
        raise refused(f"visibility_level: {wanted} is not allowed since the fork source project has lower "
                      "visibility.")  # fmt: skip
    return wanted
