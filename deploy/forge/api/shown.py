"""Records as the caller of a call sees them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from deploy.forge import merge_requests as mrs
from deploy.forge import presenters
from deploy.forge.access import project_level
from deploy.forge.calls import Call
from deploy.forge.git.diffs import MAX_FILES, FileDiff, changed_files, with_patches
from deploy.forge.git.repository import Repository
from deploy.forge.models import Import, MergeRequest, Note, Project
from deploy.forge.policy import sees, writes_code
from deploy.forge.presenters import Json


def project(call: Call, record: Project, level: int | None) -> Json:
    """Return a project as somebody of access `level` sees it."""
    url = call.settings.external_url
    empty = call.repositories.of(record.id).is_empty()
    imported = call.session.scalar(select(Import).where(Import.project_id == record.id))
    shown = presenters.project(record, url, level=level, empty=empty, imported=imported)
    forks = select(func.count()).where(Project.forked_from_id == record.id)
    shown["forks_count"] = call.session.scalar(forks)
    origin = record.forked_from
    if origin is not None and _sees(call, origin):
        shown["forked_from_project"] = presenters.short_project(origin, url)
    return shown


def merge_request(call: Call, record: MergeRequest) -> Json:
    """Return a merge request as lists have it."""
    people = {
        name: None if user is None else presenters.user(user, call.settings.external_url)
        for name, user in (
            ("author", record.author),
            ("merged_by", record.merged_by),
            ("merge_user", record.merged_by),
            ("closed_by", record.closed_by),
        )
    }
    verdict, version = mrs.verdict(call, record), record.newest
    url = f"{call.url(record.target)}/-/merge_requests/{record.iid}"
    notes = select(func.count()).where(Note.merge_request_id == record.id)
    return {
        **presenters.merge_request(record, url),
        **people,
        "draft": mrs.is_draft(record),
        "work_in_progress": mrs.is_draft(record),
        "sha": version.head_sha,
        "merge_status": verdict.merge_status,
        "detailed_merge_status": verdict.detailed,
        "has_conflicts": verdict.conflicts,
        "user_notes_count": call.session.scalar(notes),
    }


def whole_merge_request(call: Call, record: MergeRequest) -> Json:
    """Return a merge request as it looks on its own."""
    version, level = record.newest, project_level(call.session, call.actor.user, record.target)
    files = changed_files(call.repositories.of(record.target_project_id), version.base_sha, version.head_sha)
    return {
        **merge_request(call, record),
        "diff_refs": {
            "base_sha": version.base_sha,
            "head_sha": version.head_sha,
            "start_sha": version.start_sha,
        },
        "changes_count": f"{MAX_FILES}+" if len(files) > MAX_FILES else str(len(files)),
        "user": {"can_merge": writes_code(level)},
    }


def diffs(repository: Repository, old: str, new: str, files: Sequence[FileDiff]) -> list[Json]:
    """Return how `files` differ between two commits."""
    return [presenters.diff(file) for file in with_patches(repository, old, new, files)]


def _sees(call: Call, record: Project) -> bool:
    user = call.actor.user
    return sees(record.visibility, project_level(call.session, user, record), signed_in=user is not None)
