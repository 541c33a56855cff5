"""How records look in GitLab's JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from deploy.forge.git.diffs import FileDiff
from deploy.forge.git.repository import Commit, Tag
from deploy.forge.models import (
    Hook,
    Import,
    Key,
    Member,
    MergeRequest,
    MergeRequestVersion,
    Namespace,
    Note,
    Project,
    Token,
    User,
)
from deploy.forge.policy import maintains

Json = dict[str, Any]


def moment(value: dt.datetime | None) -> str | None:
    """Return a time as GitLab writes it."""
    return None if value is None else value.isoformat(timespec="milliseconds") + "Z"


def day(value: dt.date | None) -> str | None:
    """Return a day as GitLab writes it."""
    return None if value is None else value.isoformat()


def user(record: User, url: str, *, full: bool = False) -> Json:
    """Return a user; `full` adds what they themselves and administrators see."""
    shown: Json = {
        "id": record.id,
        "username": record.username,
        "name": record.name,
        "state": record.state,
        "locked": False,
        "avatar_url": None,
        "web_url": f"{url}/{record.username}",
    }
    if full:
        shown |= {
            "email": record.email,
            "commit_email": record.email,
            "is_admin": record.admin,
            "bot": False,
            "created_at": moment(record.created_at),
            "identities": [],
            "two_factor_enabled": False,
        }
    return shown


def namespace(record: Namespace, url: str) -> Json:
    """Return a namespace in short."""
    return {
        "id": record.id,
        "name": record.name,
        "path": record.path,
        "kind": record.kind,
        "full_path": record.full_path,
        "parent_id": record.parent_id,
        "avatar_url": None,
        "web_url": f"{url}/{record.full_path}",
    }


def group(record: Namespace, url: str) -> Json:
    """Return a group."""
    return {
        "id": record.id,
        "name": record.name,
        "path": record.path,
        "full_path": record.full_path,
        "full_name": record.full_path.replace("/", " / "),
        "description": record.description,
        "visibility": record.visibility,
        "parent_id": record.parent_id,
        "avatar_url": None,
        "web_url": f"{url}/groups/{record.full_path}",
        "created_at": moment(record.created_at),
    }


def project(
    record: Project, url: str, *, level: int | None, empty: bool, imported: Import | None = None
) -> Json:
    """Return a project as somebody of access `level` sees it."""
    address = f"{url}/{record.full_path}"
    return {
        "id": record.id,
        "name": record.name,
        "path": record.path,
        "description": record.description,
        "name_with_namespace": f"{record.namespace.name} / {record.name}",
        "path_with_namespace": record.full_path,
        "namespace": namespace(record.namespace, url),
        "default_branch": None if empty else record.default_branch,
        "visibility": record.visibility,
        "topics": record.topics.split("\n") if record.topics else [],
        "tag_list": record.topics.split("\n") if record.topics else [],
        "http_url_to_repo": f"{address}.git",
        "ssh_url_to_repo": None,
        "web_url": address,
        "readme_url": None,
        "avatar_url": None,
        "empty_repo": empty,
        "archived": False,
        "forks_count": 0,
        "star_count": 0,
        **_import(record, imported, level),
        "creator_id": record.creator_id,
        "created_at": moment(record.created_at),
        "last_activity_at": moment(record.last_activity_at),
        "permissions": {
            "project_access": None if level is None else {"access_level": level, "notification_level": 3},
            "group_access": None,
        },
    }


def _import(record: Project, imported: Import | None, level: int | None) -> Json:
    """Return where a project comes from; who maintains it also learns the address, and why it failed."""
    if imported is None:
        return {"import_status": "none" if record.network_id in (None, record.id) else "finished"}
    told: Json = {"import_status": imported.status, "import_type": "git"}
    if maintains(level):
        told |= {"import_url": imported.url, "import_error": imported.error or None}
    return told


def short_project(record: Project, url: str) -> Json:
    """Return a project as others refer to it."""
    address = f"{url}/{record.full_path}"
    return {
        "id": record.id,
        "name": record.name,
        "path": record.path,
        "description": record.description,
        "name_with_namespace": f"{record.namespace.name} / {record.name}",
        "path_with_namespace": record.full_path,
        "namespace": namespace(record.namespace, url),
        "default_branch": record.default_branch,
        "http_url_to_repo": f"{address}.git",
        "ssh_url_to_repo": None,
        "web_url": address,
        "created_at": moment(record.created_at),
    }


def merge_request(record: MergeRequest, address: str) -> Json:
    """Return what a merge request's own record says; `address` is its page's."""
    return {
        "id": record.id,
        "iid": record.iid,
        "project_id": record.target_project_id,
        "title": record.title,
        "description": record.description,
        "state": record.state,
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
        "merged_at": moment(record.merged_at),
        "closed_at": moment(record.closed_at),
        "target_branch": record.target_branch,
        "source_branch": record.source_branch,
        "source_project_id": record.source_project_id,
        "target_project_id": record.target_project_id,
        "merge_commit_sha": record.merge_commit_sha,
        "squash_commit_sha": record.squash_commit_sha,
        "squash": record.squash,
        "should_remove_source_branch": None,
        "force_remove_source_branch": record.remove_source_branch,
        "reference": f"!{record.iid}",
        "references": {
            "short": f"!{record.iid}",
            "relative": f"!{record.iid}",
            "full": f"{record.target.full_path}!{record.iid}",
        },
        "web_url": address,
        "assignee": None,
        "assignees": [],
        "reviewers": [],
        "labels": [],
        "milestone": None,
        "upvotes": 0,
        "downvotes": 0,
        "merge_when_pipeline_succeeds": False,
    }


def version(record: MergeRequestVersion) -> Json:
    """Return what a merge request proposed for a while."""
    return {
        "id": record.id,
        "merge_request_id": record.merge_request_id,
        "head_commit_sha": record.head_sha,
        "base_commit_sha": record.base_sha,
        "start_commit_sha": record.start_sha,
        "created_at": moment(record.created_at),
        "state": "collected",
    }


def diff(record: FileDiff) -> Json:
    """Return how a file differs."""
    return {
        "old_path": record.old_path,
        "new_path": record.new_path,
        "a_mode": record.old_mode if record.status != "A" else "0",
        "b_mode": record.new_mode if record.status != "D" else "0",
        "diff": record.patch,
        "new_file": record.status == "A",
        "renamed_file": record.status == "R",
        "deleted_file": record.status == "D",
        "collapsed": False,
        "too_large": record.too_large,
    }


def note(record: Note, mr: MergeRequest, url: str) -> Json:
    """Return a note on a merge request."""
    return {
        "id": record.id,
        "type": None,
        "body": record.body,
        "author": user(record.author, url),
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
        "system": False,
        "resolvable": False,
        "noteable_id": mr.id,
        "noteable_iid": mr.iid,
        "noteable_type": "MergeRequest",
        "project_id": mr.target_project_id,
    }


def hook(record: Hook) -> Json:
    """Return a hook; its token is told to nobody."""
    return {
        "id": record.id,
        "url": record.url,
        "name": record.name,
        "description": record.description,
        "push_events": record.push_events,
        "tag_push_events": record.tag_push_events,
        "merge_requests_events": record.merge_requests_events,
        "enable_ssl_verification": record.enable_ssl_verification,
        "created_at": moment(record.created_at),
    } | ({} if record.project_id is None else {"project_id": record.project_id})


def key(record: Key) -> Json:
    """Return an SSH public key."""
    return {
        "id": record.id,
        "title": record.title,
        "key": record.key,
        "created_at": moment(record.created_at),
        "expires_at": day(record.expires_at),
        "usage_type": "auth_and_signing",
    }


def member(record: Member, url: str, level: int | None = None) -> Json:
    """Return a member."""
    return user(record.user, url) | {
        "access_level": record.access_level if level is None else level,
        "expires_at": day(record.expires_at),
        "created_at": moment(record.created_at),
        "membership_state": "active",
    }


def token(record: Token, secret: str | None = None) -> Json:
    """Return a token; the secret only when it was just made."""
    shown: Json = {
        "id": record.id,
        "name": record.name,
        "revoked": record.revoked,
        "created_at": moment(record.created_at),
        "scopes": record.scopes.split(),
        "user_id": record.user_id,
        "last_used_at": moment(record.last_used_at),
        "active": not record.revoked
        and (record.expires_at is None or record.expires_at > dt.datetime.now(dt.UTC).date()),
        "expires_at": day(record.expires_at),
    }
    if record.impersonation:
        shown["impersonation"] = True
    return shown if secret is None else shown | {"token": secret}


def commit(record: Commit, url: str) -> Json:
    """Return a commit; `url` is its project's."""
    return {
        "id": record.sha,
        "short_id": record.sha[:8],
        "title": record.message.split("\n", 1)[0],
        "message": record.message,
        "parent_ids": list(record.parents),
        "author_name": record.author_name,
        "author_email": record.author_email,
        "authored_date": record.authored_date,
        "committer_name": record.committer_name,
        "committer_email": record.committer_email,
        "committed_date": record.committed_date,
        "created_at": record.committed_date,
        "trailers": {},
        "web_url": f"{url}/-/commit/{record.sha}",
    }


def branch(name: str, record: Commit, url: str, *, default: bool, can_push: bool) -> Json:
    """Return a branch."""
    return {
        "name": name,
        "commit": commit(record, url),
        "merged": False,
        "protected": False,
        "default": default,
        "developers_can_push": False,
        "developers_can_merge": False,
        "can_push": can_push,
        "web_url": f"{url}/-/tree/{name}",
    }


def tag(record: Tag, target: Commit, url: str) -> Json:
    """Return a tag."""
    return {
        "name": record.name,
        "message": record.message,
        "target": record.target,
        "commit": commit(target, url),
        "release": None,
        "protected": False,
        "created_at": None,
    }
