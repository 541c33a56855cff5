"""Trees, files and commits of a project."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from deploy.forge import presenters
from deploy.forge.announcing import announce
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import invalid, missing, not_found, refused
from deploy.forge.git.command import GitError, git
from deploy.forge.git.repository import Change, Entry, Repository, check_path
from deploy.forge.lookups import commit_of, readable, web_url, writable
from deploy.forge.models import Project, now

ACTIONS = ("create", "update", "delete", "move", "chmod")
routes = Routes()


@routes.add("GET", "/projects/:id/repository/tree", "read_repository")
def tree(call: Call) -> Reply:
    """List a folder, or with `recursive` everything below it."""
    project, _, repository = readable(call)
    commit = commit_of(call, repository, project, call.params.text("ref", "HEAD"))
    path = call.params.text("path", "").strip("/")
    try:
        found = repository.tree(commit, path, recursive=call.params.flag("recursive"))
    except GitError:
        raise not_found("Tree") from None
    return call.page(
        found,
        lambda e: {
            "id": e.sha,
            "name": e.path.rsplit("/", 1)[-1],
            "type": e.type,
            "path": e.path,
            "mode": e.mode,
        },
    )


@routes.add("GET", "/projects/:id/repository/files/:path", "read_repository")
def file(call: Call) -> Reply:
    """Return a file with its content in base64; HEAD gives the same in headers."""
    project, _, repository = readable(call)
    entry, commit = _file(call, repository, project)
    newest = repository.commits(commit, path=entry.path, limit=1)[0].sha
    head = {
        "file_name": entry.path.rsplit("/", 1)[-1],
        "file_path": entry.path,
        "size": repository.size(entry.sha),
        "encoding": "base64",
        "ref": call.params.text("ref", "HEAD"),
        "blob_id": entry.sha,
        "commit_id": commit,
        "last_commit_id": newest,
        "execute_filemode": entry.mode == "100755",
    }
    content = repository.read(entry.sha)
    head["content_sha256"] = hashlib.sha256(content).hexdigest()
    names = (
        ("X-Gitlab-" + "-".join(w.title() for w in key.split("_")), str(value)) for key, value in head.items()
    )
    return Reply(head | {"content": base64.b64encode(content).decode()}, headers=tuple(names))


@routes.add("GET", "/projects/:id/repository/files/:path/raw", "read_repository")
def raw(call: Call) -> Reply:
    """Return a file as it is."""
    project, _, repository = readable(call)
    entry, _ = _file(call, repository, project)
    headers = (("X-Content-Type-Options", "nosniff"), ("Content-Disposition", "attachment"))
    return Reply(repository.read(entry.sha), media_type="application/octet-stream", headers=headers)


@routes.add("POST", "/projects/:id/repository/files/:path")
def create_file(call: Call) -> Reply:
    """Add a file in a commit of its own."""
    return _one_file(call, "create", 201)


@routes.add("PUT", "/projects/:id/repository/files/:path")
def update_file(call: Call) -> Reply:
    """Change a file in a commit of its own."""
    return _one_file(call, "update", 200)


@routes.add("DELETE", "/projects/:id/repository/files/:path")
def delete_file(call: Call) -> Reply:
    """Remove a file in a commit of its own."""
    _one_file(call, "delete", 200)
    return Reply(None, 204)


@routes.add("GET", "/projects/:id/repository/commits")
def commits(call: Call) -> Reply:
    """List commits backwards from `ref_name`, those that touch `path` where one is given."""
    project, _, repository = readable(call)
    if repository.is_empty():
        return call.page([], str)
    start = commit_of(call, repository, project, call.params.text("ref_name", "HEAD"))
    found = repository.commits(start, path=call.params.text("path", ""))
    url = web_url(call, project)
    return call.page(found, lambda c: presenters.commit(c, url))


@routes.add("GET", "/projects/:id/repository/commits/:sha")
def commit(call: Call) -> Reply:
    """Return a commit, by sha, branch or tag."""
    project, _, repository = readable(call)
    ref = call.args["sha"]
    found = repository.newest(project.default_branch if ref == "HEAD" else ref)
    if found is None:
        raise not_found("Commit")
    return Reply(presenters.commit(found, web_url(call, project)))


@routes.add("POST", "/projects/:id/repository/commits")
def create_commit(call: Call) -> Reply:
    """Write one commit of several `actions`."""
    actions = call.params.get("actions")
    if not isinstance(actions, list) or not actions:
        raise missing("actions")
    return Reply(_write(call, actions), 201)


@routes.add("GET", "/projects/:id/repository/archive.tar.gz", "read_repository")
def archive(call: Call) -> Reply:
    """Return a commit's files as an archive."""
    project, _, repository = readable(call)
    sha = commit_of(call, repository, project, call.params.text("sha", "HEAD"))
    prefix = f"{project.path}-{sha[:8]}/"
    content = git(repository.folder, "archive", "--format=tar.gz", f"--prefix={prefix}", sha)
    return Reply(content, media_type="application/gzip")


@routes.add("GET", "/projects/:id/repository/merge_base")
def merge_base(call: Call) -> Reply:
    """Return the newest commit that all `refs` have."""
    project, _, repository = readable(call)
    shas = [commit_of(call, repository, project, ref) for ref in call.params.words("refs")]
    if len(shas) < 2:
        raise missing("refs")
    found = git(repository.folder, "merge-base", *shas, ok=(0, 1)).decode().strip()
    if not found:
        raise not_found("Merge Base")
    return Reply(presenters.commit(repository.commits(found, limit=1)[0], web_url(call, project)))


def _file(call: Call, repository: Repository, project: Project) -> tuple[Entry, str]:
    sha = commit_of(call, repository, project, call.params.text("ref", "HEAD"))
    entry = repository.blob(sha, _path(call.args["path"]))
    if entry is None:
        raise not_found("File")
    return entry, sha


def _one_file(call: Call, action: str, status: int) -> Reply:
    path = _path(call.args["path"])
    fields = {name: call.params.get(name) for name in ("content", "encoding", "execute_filemode")}
    _write(call, [{"action": action, "file_path": path, **fields}])
    return Reply({"file_path": path, "branch": call.params.text("branch")}, status)


def _write(call: Call, actions: list[Any]) -> presenters.Json:
    project, repository = writable(call)
    branch, message = call.params.text("branch"), call.params.text("commit_message")
    parent = repository.resolve(branch)
    if parent is None and not repository.is_empty():
        start = call.params.text("start_branch", call.params.text("start_sha", ""))
        if not start:
            raise refused("You can only create or edit files when you are on a branch")
        parent = commit_of(call, repository, project, start)
    changes = [change for action in actions for change in _changes(repository, parent, action)]
    author = (
        call.params.text("author_name", call.user.name),
        call.params.text("author_email", call.user.email),
    )
    moment = f"{int(now().timestamp())} +0000"
    sha = repository.write(branch, parent, changes, message=message, author=author, moment=moment)
    announce(call, project, call.user)
    return presenters.commit(repository.commits(sha, limit=1)[0], web_url(call, project))


def _changes(repository: Repository, parent: str | None, action: Any) -> list[Change]:
    if not isinstance(action, dict) or action.get("action") not in ACTIONS:
        raise invalid("actions[action]")
    path, kind = _path(action.get("file_path")), action["action"]
    old = repository.blob(parent, path) if parent else None
    executable = bool(action.get("execute_filemode"))
    if kind == "create":
        if old is not None:
            raise refused("A file with this name already exists")
        return [Change(path, _content(action), executable)]
    if kind == "move":
        previous = _path(action.get("previous_path"))
        moved = repository.blob(parent, previous) if parent else None
        if moved is None:
            raise refused("A file with this name doesn't exist")
        content = _content(action) if action.get("content") is not None else repository.read(moved.sha)
        return [Change(previous, None), Change(path, content, moved.mode == "100755")]
    if old is None:
        raise refused("A file with this name doesn't exist")
    if kind == "delete":
        return [Change(path, None)]
    if kind == "chmod":
        return [Change(path, repository.read(old.sha), executable)]
    return [Change(path, _content(action), old.mode == "100755")]


def _content(action: dict[str, Any]) -> bytes:
    content = action.get("content")
    text = content if isinstance(content, str) else ""
    if action.get("encoding") != "base64":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("actions[content]") from None


def _path(path: Any) -> str:
    if not isinstance(path, str) or not path:
        raise missing("file_path")
    try:
        check_path(path)
    except GitError:
        raise refused("invalid path: file_path should be a valid file path") from None
    return path
