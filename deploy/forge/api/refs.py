"""Branches and tags."""

from __future__ import annotations

from deploy.forge import presenters
from deploy.forge.announcing import announce
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import forbidden, not_found, refused
from deploy.forge.git.command import GitError
from deploy.forge.git.repository import ZERO, Repository
from deploy.forge.lookups import commit_of, readable, web_url, writable
from deploy.forge.models import Project, now
from deploy.forge.policy import writes_code

routes = Routes()


@routes.add("GET", "/projects/:id/repository/branches")
def branches(call: Call) -> Reply:
    """List branches, those whose name holds `search`."""
    project, level, repository = readable(call)
    search = call.params.text("search", "")
    found = [row for row in repository.branches() if search in row[0]]
    return call.page(found, lambda row: _branch(call, project, repository, row, level))


@routes.add("GET", "/projects/:id/repository/branches/:branch")
def branch(call: Call) -> Reply:
    """Return a branch."""
    project, level, repository = readable(call)
    for row in repository.branches():
        if row[0] == call.args["branch"]:
            return Reply(_branch(call, project, repository, row, level))
    raise not_found("Branch")


@routes.add("POST", "/projects/:id/repository/branches")
def create_branch(call: Call) -> Reply:
    """Make a branch at `ref`."""
    project, repository = writable(call)
    name, target = call.params.text("branch"), commit_of(call, repository, project, call.params.text("ref"))
    if repository.resolve(name) is not None and (name, repository.resolve(name)) in repository.branches():
        raise refused("Branch already exists")
    repository.set_ref(f"refs/heads/{name}", target, ZERO)
    announce(call, project, call.user)
    return Reply(_branch(call, project, repository, (name, target), 30), 201)


@routes.add("DELETE", "/projects/:id/repository/branches/:branch")
def delete_branch(call: Call) -> Reply:
    """Remove a branch, but not the default one."""
    project, repository = writable(call)
    name = call.args["branch"]
    if name not in [row[0] for row in repository.branches()]:
        raise not_found("Branch")
    if name == project.default_branch:
        raise forbidden("Cannot remove HEAD branch")
    repository.delete_ref(f"refs/heads/{name}")
    announce(call, project, call.user)
    return Reply(None, 204)


@routes.add("GET", "/projects/:id/repository/tags")
def tags(call: Call) -> Reply:
    """List tags, newest first."""
    project, _, repository = readable(call)
    search = call.params.text("search", "")
    url = web_url(call, project)
    found = [tag for tag in repository.tags() if search in tag.name]
    return call.page(found, lambda t: presenters.tag(t, repository.commits(t.commit, limit=1)[0], url))


@routes.add("GET", "/projects/:id/repository/tags/:tag")
def tag(call: Call) -> Reply:
    """Return a tag."""
    project, _, repository = readable(call)
    for found in repository.tags():
        if found.name == call.args["tag"]:
            newest = repository.commits(found.commit, limit=1)[0]
            return Reply(presenters.tag(found, newest, web_url(call, project)))
    raise not_found("Tag")


@routes.add("POST", "/projects/:id/repository/tags")
def create_tag(call: Call) -> Reply:
    """Make a tag at `ref`, with a message where one is given."""
    project, repository = writable(call)
    name, message = call.params.text("tag_name"), call.params.text("message", "")
    target = commit_of(call, repository, project, call.params.text("ref"))
    if name in [found.name for found in repository.tags()]:
        raise refused(f"Tag {name} already exists")
    if message:
        tagger = f"{call.user.name} <{call.user.email}> {int(now().timestamp())} +0000"
        repository.annotated_tag(name, target, message, tagger)
    else:
        repository.set_ref(f"refs/tags/{name}", target, ZERO)
    announce(call, project, call.user)
    made = next(found for found in repository.tags() if found.name == name)
    return Reply(presenters.tag(made, repository.commits(target, limit=1)[0], web_url(call, project)), 201)


@routes.add("DELETE", "/projects/:id/repository/tags/:tag")
def delete_tag(call: Call) -> Reply:
    """Remove a tag."""
    project, repository = writable(call)
    if call.args["tag"] not in [found.name for found in repository.tags()]:
        raise not_found("Tag")
    repository.delete_ref(f"refs/tags/{call.args['tag']}")
    announce(call, project, call.user)
    return Reply(None, 204)


def _branch(
    call: Call, project: Project, repository: Repository, row: tuple[str, str], level: int | None
) -> presenters.Json:
    name, sha = row
    try:
        newest = repository.commits(sha, limit=1)[0]
    except (GitError, IndexError):
        raise not_found("Branch") from None
    default = name == project.default_branch
    return presenters.branch(
        name, newest, web_url(call, project), default=default, can_push=writes_code(level)
    )
