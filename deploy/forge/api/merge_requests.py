"""Merge requests."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.sql import ColumnElement

from deploy.forge import merge_requests as mrs
from deploy.forge import presenters
from deploy.forge.access import project_level
from deploy.forge.announcing import announce
from deploy.forge.api import shown
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import ApiError, forbidden, invalid, not_found, refused, unauthorized
from deploy.forge.events import tell_merge_request
from deploy.forge.git.diffs import MAX_FILES, changed_files
from deploy.forge.git.repository import check_ref
from deploy.forge.lookups import find_merge_request, find_readable, readable, web_url
from deploy.forge.models import MergeRequest, MergeRequestVersion, Project, User, now
from deploy.forge.policy import writes_code

MAX_COMMITS = 1000
STATES = ("opened", "closed", "merged", "all")
ORDERS = {"created_at": MergeRequest.id, "updated_at": MergeRequest.updated_at, "title": MergeRequest.title}
ONE = "/projects/:id/merge_requests/:iid"
routes = Routes()


@routes.add("GET", "/projects/:id/merge_requests")
def everything(call: Call) -> Reply:
    """List the merge requests to a project."""
    project, _, _ = readable(call)
    params = call.params
    query = select(MergeRequest).where(MergeRequest.target_project_id == project.id)
    if (state := params.choice("state", STATES, "all")) != "all":
        query = query.where(MergeRequest.state == state)
    if search := params.text("search", ""):
        query = query.where(
            or_(MergeRequest.title.contains(search), MergeRequest.description.contains(search))
        )
    for name in ("source_branch", "target_branch"):
        if branch := params.text(name, ""):
            query = query.where(getattr(MergeRequest, name) == branch)
    for name in ("author_id", "source_project_id"):
        if number := params.number(name, 0):
            query = query.where(getattr(MergeRequest, name) == number)
    if author := params.text("author_username", ""):
        query = query.where(MergeRequest.author_id.in_(select(User.id).where(User.username == author)))
    if iids := params.words("iids"):
        query = query.where(MergeRequest.iid.in_(int(iid) for iid in iids if iid.isdigit()))
    column: ColumnElement[object] = ORDERS[params.choice("order_by", ORDERS, "created_at")]  # type: ignore[assignment]
    backwards = params.choice("sort", ("asc", "desc"), "desc") == "desc"
    query = query.order_by(column.desc() if backwards else column.asc(), MergeRequest.id.desc())
    return call.page(call.session.scalars(query).all(), lambda mr: shown.merge_request(call, mr))


@routes.add("GET", ONE)
def one(call: Call) -> Reply:
    """Return a merge request."""
    return Reply(shown.whole_merge_request(call, find_merge_request(call)))


def _bring(call: Call) -> None:
    source, target, branch, _ = _wanted(call)
    call.repositories.of(target.id).bring(call.repositories.of(source.id), branch)


@routes.add("POST", "/projects/:id/merge_requests", first=_bring)
def create(call: Call) -> Reply:
    """Propose a branch of this project to a branch of the same, or of another one of its family."""
    source, target, source_branch, target_branch = _wanted(call)
    last = select(func.max(MergeRequest.iid)).where(MergeRequest.target_project_id == target.id)
    made = MergeRequest(
        iid=(call.session.scalar(last) or 0) + 1,
        source_project_id=source.id,
        target_project_id=target.id,
        source_branch=source_branch,
        target_branch=target_branch,
        title=call.params.text("title", limit=255),
        description=call.params.text("description", ""),
        squash=call.params.flag("squash"),
        remove_source_branch=call.params.flag("remove_source_branch"),
        author_id=call.user.id,
        state="opened",
    )
    _check_alone(call, made)
    call.session.add(made)
    call.session.flush()
    mrs.renew(call, made)
    tell_merge_request(call, made, call.user, "open")
    return Reply(shown.whole_merge_request(call, made), 201)


@routes.add("PUT", ONE)
def change(call: Call) -> Reply:
    """Change a merge request's words or target branch, close it or open it again."""
    found = find_merge_request(call)
    if call.user.id != found.author_id and not _writes(call, found.target):
        raise forbidden()
    event = call.params.choice("state_event", ("", "close", "reopen"), "")
    found.title = call.params.text("title", found.title, limit=255)
    if "description" in call.params:
        found.description = call.params.text("description", "")
    found.squash = call.params.flag("squash", found.squash)
    found.remove_source_branch = call.params.flag("remove_source_branch", found.remove_source_branch)
    branch = call.params.text("target_branch", found.target_branch)
    if branch != found.target_branch and found.state == "opened":
        _check_branch(call, found.target, "target_branch", branch)
        found.target_branch = branch
        _check_alone(call, found)
        mrs.renew(call, found, anew=True)
    found.updated_at = now()
    if event == "close" and found.state == "opened":
        mrs.note_closed(found, call.user)
        tell_merge_request(call, found, call.user, "close")
    elif event == "reopen" and found.state == "closed":
        _reopen(call, found)
    elif not event:
        tell_merge_request(call, found, call.user, "update")
    call.session.flush()
    call.session.expire(found)
    return Reply(shown.whole_merge_request(call, found))


@routes.add("PUT", f"{ONE}/merge")
def merge(call: Call) -> Reply:
    """Merge, if nothing is in the way and the source branch is still at `sha` where that is given.

    A merge goes through at once: there are no pipelines that it could wait for.
    """
    found = find_merge_request(call)
    if not _writes(call, found.target):
        raise unauthorized()
    if found.state == "opened":
        mrs.renew(call, found)  # a push whose end has not been told yet counts
    verdict = mrs.verdict(call, found)
    if verdict.detailed == "conflict":
        raise refused("Branch cannot be merged", 422)
    if verdict.detailed != "mergeable":
        raise ApiError(405, {"message": "405 Method Not Allowed"})
    head = found.newest.head_sha
    if call.params.text("sha", head) != head:
        raise refused(f"SHA does not match HEAD of source branch: {head}", 409)
    message = call.params.text("merge_commit_message", _message(found))
    squash = call.params.text("squash_commit_message", found.title)
    wants_squash = call.params.flag("squash", found.squash)
    mrs.merge(call, found, call.user, message=message, squash=squash if wants_squash else None)
    call.session.flush()
    announce(call, found.target, call.user)
    tell_merge_request(call, found, call.user, "merge")
    remove = call.params.flag("should_remove_source_branch", found.remove_source_branch)
    source = found.source
    if remove and source is not None and _writes(call, source) and mrs.remove_source_branch(call, found):
        announce(call, source, call.user)
    call.session.expire(found)
    return Reply(shown.whole_merge_request(call, found))


@routes.add("GET", f"{ONE}/commits")
def commits(call: Call) -> Reply:
    """List the commits that are proposed, newest first."""
    found = find_merge_request(call)
    version, repository = found.newest, call.repositories.of(found.target_project_id)
    listed = repository.commits(version.head_sha, without=version.start_sha, limit=MAX_COMMITS)
    url = web_url(call, found.target)
    return call.page(listed, lambda c: presenters.commit(c, url))


@routes.add("GET", f"{ONE}/changes")
def changes(call: Call) -> Reply:
    """Return a merge request with what it changes, at most 1000 files."""
    found = find_merge_request(call)
    version, repository = found.newest, call.repositories.of(found.target_project_id)
    files = changed_files(repository, version.base_sha, version.head_sha)
    listed = shown.diffs(repository, version.base_sha, version.head_sha, files[:MAX_FILES])
    body = shown.whole_merge_request(call, found)
    return Reply(body | {"changes": listed, "overflow": len(files) > MAX_FILES})


@routes.add("GET", f"{ONE}/diffs")
def diffs(call: Call) -> Reply:
    """List what a merge request changes, file by file."""
    found = find_merge_request(call)
    version, repository = found.newest, call.repositories.of(found.target_project_id)
    files = changed_files(repository, version.base_sha, version.head_sha)
    return call.page_of(files, lambda part: shown.diffs(repository, version.base_sha, version.head_sha, part))


@routes.add("GET", f"{ONE}/versions")
def versions(call: Call) -> Reply:
    """List what was proposed from one push to the next, newest first."""
    found = find_merge_request(call)
    return call.page(found.versions[::-1], presenters.version)


@routes.add("GET", f"{ONE}/versions/:version")
def one_version(call: Call) -> Reply:
    """Return a version with its commits and what it changes."""
    found = find_merge_request(call)
    known = {str(version.id): version for version in found.versions}
    version: MergeRequestVersion | None = known.get(call.args["version"])
    if version is None:
        raise not_found()
    repository, url = call.repositories.of(found.target_project_id), web_url(call, found.target)
    files = changed_files(repository, version.base_sha, version.head_sha)[:MAX_FILES]
    listed = repository.commits(version.head_sha, without=version.start_sha, limit=MAX_COMMITS)
    return Reply(
        presenters.version(version)
        | {
            "commits": [presenters.commit(commit, url) for commit in listed],
            "diffs": shown.diffs(repository, version.base_sha, version.head_sha, files),
        }
    )


def _wanted(call: Call) -> tuple[Project, Project, str, str]:
    """Return source, target and both branches of a new merge request, if the caller may propose it."""
    _ = call.user
    source, level, _ = readable(call)
    target = source
    if number := call.params.number("target_project_id", 0):
        target, _, _ = find_readable(call, str(number))
    if not writes_code(level):
        raise forbidden()
    if source.id != target.id and (source.network_id is None or source.network_id != target.network_id):
        raise refused("Source project is not a fork of the target project", 422)
    branches = call.params.text("source_branch"), call.params.text("target_branch")
    if source.id == target.id and branches[0] == branches[1]:
        raise refused("You can't use same project/branch for source and target", 422)
    _check_branch(call, source, "source_branch", branches[0])
    _check_branch(call, target, "target_branch", branches[1])
    return source, target, *branches


def _check_branch(call: Call, project: Project, field: str, name: str) -> None:
    check_ref(f"refs/heads/{name}")
    if len(name) > 255:
        raise invalid(field)
    if call.repositories.of(project.id).branch(name) is None:
        raise ApiError(400, {"message": {field: ["does not exist"]}})


def _check_alone(call: Call, mr: MergeRequest) -> None:
    with call.session.no_autoflush:
        other = mrs.twin(call, mr)
    if other is not None:
        words = f"Another open merge request already exists for this source branch: !{other.iid}"
        raise ApiError(409, {"message": [words]})


def _reopen(call: Call, mr: MergeRequest) -> None:
    if mr.source is None:
        raise refused("The project that this came from is gone; it cannot be opened again", 422)
    _check_alone(call, mr)
    mr.state, mr.closed_at, mr.closed_by_id = "opened", None, None
    mrs.renew(call, mr)
    tell_merge_request(call, mr, call.user, "reopen")


def _writes(call: Call, project: Project) -> bool:
    return writes_code(project_level(call.session, call.user, project))


def _message(mr: MergeRequest) -> str:
    place = f"{mr.target.full_path}!{mr.iid}"
    head = f"Merge branch '{mr.source_branch}' into '{mr.target_branch}'"
    return f"{head}\n\n{mr.title}\n\nSee merge request {place}"
