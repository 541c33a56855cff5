"""Comparing two commits."""

from __future__ import annotations

from deploy.forge import presenters
from deploy.forge.api.shown import diffs
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import refused
from deploy.forge.git.diffs import MAX_FILES, changed_files
from deploy.forge.git.merges import EMPTY_TREE, merge_base
from deploy.forge.lookups import commit_of, find_readable, readable, web_url

MAX_COMMITS = 1000
routes = Routes()


@routes.add("GET", "/projects/:id/repository/compare", "read_repository")
def compare(call: Call) -> Reply:
    """Say what `to` has that `from` has not; `from` may be in another project of the same family.

    The newest 1000 commits, oldest first, and the differences of the first 1000 files: since the two parted,
    or with `straight` from one to the other.
    """
    project, _, repository = readable(call)
    other = project
    if number := call.params.number("from_project_id", 0):
        other, _, _ = find_readable(call, str(number))
        if other.id != project.id and (other.network_id is None or other.network_id != project.network_id):
            raise refused(f"Target project id:{other.id} is not a fork of project id:{project.id}")
    old_ref, new_ref = call.params.text("from"), call.params.text("to")
    old = commit_of(call, call.repositories.of(other.id), other, old_ref)
    new = commit_of(call, repository, project, new_ref)
    if other.id != project.id:
        repository = repository.borrowing(call.repositories.of(other.id))
    found = repository.commits(new, without=old, limit=MAX_COMMITS)[::-1]
    start = old if call.params.flag("straight") else merge_base(repository, old, new) or EMPTY_TREE
    files = changed_files(repository, start, new)
    url = web_url(call, project)
    commits = [presenters.commit(commit, url) for commit in found]
    return Reply(
        {
            "commit": commits[-1] if commits else None,
            "commits": commits,
            "diffs": diffs(repository, start, new, files[:MAX_FILES]),
            "overflow": len(files) > MAX_FILES,
            "compare_timeout": False,
            "compare_same_ref": old == new,
            "web_url": f"{url}/-/compare/{old_ref}...{new_ref}",
        }
    )
