"""What hooks are told: events in GitLab's format, written to the outbox by the transaction that made them."""

from __future__ import annotations

import json
import uuid

from sqlalchemy import or_, select

from deploy.forge import merge_requests as mrs
from deploy.forge import presenters
from deploy.forge.git.diffs import touched
from deploy.forge.git.repository import ZERO, Commit, Repository
from deploy.forge.models import Delivery, Hook, MergeRequest, Project, User
from deploy.forge.policy import VISIBILITIES
from deploy.forge.presenters import Json
from deploy.forge.transaction import Transaction

MAX_COMMITS = 20  # as many as GitLab names in one push event
HEADERS = {"push": "Push Hook", "tag_push": "Tag Push Hook", "merge_request": "Merge Request Hook"}
FLAGS = {
    "push": Hook.push_events,
    "tag_push": Hook.tag_push_events,
    "merge_request": Hook.merge_requests_events,
}


def tell_push(t: Transaction, project: Project, user: User, ref: str, old: str, new: str) -> None:
    """Put the move of a branch or tag into the outbox; ZERO stands for not being there."""
    kind = "tag_push" if ref.startswith("refs/tags/") else "push"
    if hooks := _hooks(t, project, kind):
        _put(t, hooks, kind, _push(t, project, user, kind, ref, old, new))


def tell_merge_request(t: Transaction, mr: MergeRequest, user: User, action: str, old_head: str = "") -> None:
    """Put what happened to a merge request (open, update, close, reopen, merge) into the outbox."""
    if hooks := _hooks(t, mr.target, "merge_request"):
        _put(t, hooks, "merge_request", _merge_request(t, mr, user, action, old_head))


def _hooks(t: Transaction, project: Project, kind: str) -> list[Hook]:
    here = or_(Hook.project_id == project.id, Hook.project_id.is_(None))
    return list(t.session.scalars(select(Hook).where(here, FLAGS[kind]).order_by(Hook.id)))


def _put(t: Transaction, hooks: list[Hook], kind: str, body: Json) -> None:
    text = json.dumps(body)
    for hook in hooks:
        event = HEADERS[kind] if hook.project_id is not None else "System Hook"
        t.session.add(Delivery(hook_id=hook.id, event=event, uuid=str(uuid.uuid4()), body=text))


def _push(t: Transaction, project: Project, user: User, kind: str, ref: str, old: str, new: str) -> Json:
    repository = t.repositories.of(project.id)
    tip = repository.ref(new) if new != ZERO else None
    commits, total = _commits(repository, project, old, tip) if tip and kind == "push" else ([], 0)
    url = t.url(project)
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": old,
        "after": new,
        "ref": ref,
        "ref_protected": False,
        "checkout_sha": tip,
        "message": None,
        "user_id": user.id,
        "user_name": user.name,
        "user_username": user.username,
        "user_email": "",
        "user_avatar": None,
        "project_id": project.id,
        "project": _project(t, project),
        "commits": [_commit(repository, commit, url) for commit in commits],
        "total_commits_count": total,
        "push_options": {},
        "repository": _repository(t, project),
    }


def _commits(repository: Repository, project: Project, old: str, tip: str) -> tuple[list[Commit], int]:
    """Return the newest commits of a push, oldest first, and how many there are in all."""
    since = old if old != ZERO and repository.ref(old) else repository.branch(project.default_branch)
    without = [f"^{since}"] if since and since != tip else []
    total = int(repository.git("rev-list", "--count", tip, *without))
    found = repository.commits(tip, without=since if without else None, limit=MAX_COMMITS)
    return found[::-1], total


def _commit(repository: Repository, commit: Commit, url: str) -> Json:
    return {**_short(commit, url), **touched(repository, commit.sha)}


def _short(commit: Commit, url: str) -> Json:
    return {
        "id": commit.sha,
        "message": commit.message,
        "title": commit.message.split("\n", 1)[0],
        "timestamp": commit.committed_date,
        "url": f"{url}/-/commit/{commit.sha}",
        "author": {"name": commit.author_name, "email": commit.author_email},
    }


def _merge_request(t: Transaction, mr: MergeRequest, user: User, action: str, old_head: str) -> Json:
    head = t.repositories.of(mr.target_project_id).commits(mr.newest.head_sha, limit=1)[0]
    verdict = mrs.verdict(t, mr)
    attributes: Json = {
        "id": mr.id,
        "iid": mr.iid,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "action": action,
        "draft": mrs.is_draft(mr),
        "author_id": mr.author_id,
        "source_branch": mr.source_branch,
        "target_branch": mr.target_branch,
        "source_project_id": mr.source_project_id,
        "target_project_id": mr.target_project_id,
        "source": None if mr.source is None else _project(t, mr.source),
        "target": _project(t, mr.target),
        "last_commit": _short(head, t.url(mr.target)),
        "merge_status": verdict.merge_status,
        "detailed_merge_status": verdict.detailed,
        "merge_commit_sha": mr.merge_commit_sha,
        "created_at": presenters.moment(mr.created_at),
        "updated_at": presenters.moment(mr.updated_at),
        "url": f"{t.url(mr.target)}/-/merge_requests/{mr.iid}",
    }
    if old_head:
        attributes["oldrev"] = old_head
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": user.id, "name": user.name, "username": user.username, "avatar_url": None},
        "project": _project(t, mr.target),
        "repository": _repository(t, mr.target),
        "object_attributes": attributes,
        "labels": [],
        "changes": {},
    }


def _project(t: Transaction, project: Project) -> Json:
    url = t.url(project)
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "web_url": url,
        "homepage": url,
        "url": f"{url}.git",
        "http_url": f"{url}.git",
        "git_http_url": f"{url}.git",
        "ssh_url": None,
        "git_ssh_url": None,
        "avatar_url": None,
        "namespace": project.namespace.name,
        "visibility_level": _visibility_level(project),
        "path_with_namespace": project.full_path,
        "default_branch": project.default_branch,
    }


def _repository(t: Transaction, project: Project) -> Json:
    url = t.url(project)
    return {
        "name": project.name,
        "url": f"{url}.git",
        "description": project.description,
        "homepage": url,
        "git_http_url": f"{url}.git",
        "git_ssh_url": None,
        "visibility_level": _visibility_level(project),
    }


def _visibility_level(project: Project) -> int:
    return 10 * VISIBILITIES.index(project.visibility)
