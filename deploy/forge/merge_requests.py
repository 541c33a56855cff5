"""Merge requests: what they propose, whether they can be merged, and merging them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from deploy.forge.errors import refused
from deploy.forge.git.command import GitError
from deploy.forge.git.merges import commit_tree, contains, merge_base, merged_tree
from deploy.forge.git.repository import Repository
from deploy.forge.models import MergeRequest, MergeRequestVersion, Project, User, now
from deploy.forge.transaction import Transaction

TRIES = 5  # a merge starts again when somebody pushed to the target branch meanwhile


@dataclass(frozen=True)
class Verdict:
    """Whether a merge request can be merged: GitLab's detailed word, and whether there are conflicts."""

    detailed: str
    conflicts: bool = False

    @property
    def merge_status(self) -> str:
        """The older, coarser word."""
        fine = self.detailed in ("mergeable", "draft_status", "not_open") and not self.conflicts
        return "can_be_merged" if fine else "cannot_be_merged"


def head_ref(mr: MergeRequest) -> str:
    """Return the ref of the target project that keeps what is proposed."""
    return f"refs/merge-requests/{mr.iid}/head"


def merge_ref(mr: MergeRequest) -> str:
    """Return the ref of the target project that keeps the merge, from before it is in the target branch."""
    return f"refs/merge-requests/{mr.iid}/merge"


def is_draft(mr: MergeRequest) -> bool:
    """Whether its author marked it as not ready."""
    return mr.title.lower().startswith(("draft:", "[draft]", "(draft)"))


def opened(t: Transaction, *where: object) -> list[MergeRequest]:
    """Return the open merge requests of which `where` holds."""
    query = select(MergeRequest).where(MergeRequest.state == "opened", *where)  # type: ignore[arg-type]
    return list(t.session.scalars(query.order_by(MergeRequest.id)))


def opened_from(t: Transaction, project: Project) -> list[MergeRequest]:
    """Return the open merge requests that come from a project."""
    return opened(t, MergeRequest.source_project_id == project.id)


def opened_to(t: Transaction, project: Project, branch: str) -> list[MergeRequest]:
    """Return the open merge requests to a branch."""
    return opened(t, MergeRequest.target_project_id == project.id, MergeRequest.target_branch == branch)


def twin(t: Transaction, mr: MergeRequest) -> MergeRequest | None:
    """Return another open merge request between the same branches, or None."""
    same = opened(
        t,
        MergeRequest.source_project_id == mr.source_project_id,
        MergeRequest.source_branch == mr.source_branch,
        MergeRequest.target_project_id == mr.target_project_id,
        MergeRequest.target_branch == mr.target_branch,
        MergeRequest.id != mr.id if mr.id is not None else True,
    )
    return same[0] if same else None


def verdict(t: Transaction, mr: MergeRequest) -> Verdict:
    """Say whether a merge request can be merged as things are now."""
    if mr.state != "opened":
        return Verdict("not_open")
    repository, head = t.repositories.of(mr.target_project_id), mr.newest.head_sha
    tip = repository.branch(mr.target_branch)
    if tip is None:
        return Verdict("broken_status")
    gone = mr.source is None or t.repositories.of(mr.source.id).branch(mr.source_branch) is None
    if gone or contains(repository, tip, head):
        return Verdict("commits_status")
    conflicts = merged_tree(repository, tip, head) is None
    if is_draft(mr):
        return Verdict("draft_status", conflicts)
    return Verdict("conflict" if conflicts else "mergeable", conflicts)


def renew(t: Transaction, mr: MergeRequest, *, anew: bool = False) -> str | None:
    """Take over what the source branch has now; return the head of before if it changed.

    `anew` notes a version even for the same head, against the target branch of now.
    """
    repository = t.repositories.of(mr.target_project_id)
    source = None if mr.source is None else t.repositories.of(mr.source.id)
    tip = repository.branch(mr.target_branch)
    if source is None or tip is None or source.branch(mr.source_branch) is None:
        return None
    repository.bring(source, mr.source_branch, head_ref(mr))
    head = repository.ref(head_ref(mr))
    old = mr.versions[-1].head_sha if mr.versions else None
    if head is None or (head == old and not anew):
        return None
    base = merge_base(repository, tip, head) or tip
    mr.versions.append(MergeRequestVersion(head_sha=head, base_sha=base, start_sha=tip))
    mr.updated_at = now()
    t.session.flush()
    return old


def landed(t: Transaction, mr: MergeRequest, tip: str) -> str | None:
    """Return the commit by which the target branch, at `tip`, got what is proposed; None if it did not.

    The commit is empty where a push brought it rather than a merge here.
    """
    repository, version = t.repositories.of(mr.target_project_id), mr.newest
    merge = repository.ref(merge_ref(mr))
    if merge is not None and contains(repository, tip, merge):
        return merge
    was_new = not contains(repository, version.start_sha, version.head_sha)
    return "" if was_new and contains(repository, tip, version.head_sha) else None


def note_merged(mr: MergeRequest, user: User, commit: str | None, squashed: str | None = None) -> None:
    """Write down that a merge request is merged."""
    mr.state, mr.merged_by_id, mr.merged_at, mr.updated_at = "merged", user.id, now(), now()
    mr.merge_commit_sha, mr.squash_commit_sha = commit, squashed


def note_closed(mr: MergeRequest, user: User) -> None:
    """Write down that a merge request is closed."""
    mr.state, mr.closed_by_id, mr.closed_at, mr.updated_at = "closed", user.id, now(), now()


def merge(t: Transaction, mr: MergeRequest, user: User, *, message: str, squash: str | None) -> None:
    """Merge into the target branch, with one commit of message `squash` in place of many where it is given.

    The branch is moved only from where the merge began, so that no push is lost. ApiError 422 on conflicts.
    """
    repository, author = t.repositories.of(mr.target_project_id), (user.name, user.email)
    for _ in range(TRIES):
        tip = repository.branch(mr.target_branch)
        theirs = mr.newest.head_sha if tip else ""
        if tip and squash is not None:
            theirs = _squashed(repository, tip, theirs, squash, author)
        tree = merged_tree(repository, tip, theirs) if tip else None
        if tip is None or tree is None:
            break
        made = commit_tree(repository, tree, (tip, theirs), message, author)
        # Kept first: a forge that is killed before the end finds out by this ref that it was merged.
        repository.set_ref(merge_ref(mr), made)
        try:
            repository.set_ref(f"refs/heads/{mr.target_branch}", made, tip)
        except GitError:
            continue
        note_merged(mr, user, made, theirs if squash is not None else None)
        return
    raise refused("Branch cannot be merged", 422)


def remove_source_branch(t: Transaction, mr: MergeRequest) -> bool:
    """Remove a merged source branch, unless it is the default one or somebody pushed to it meanwhile."""
    if mr.source is None or mr.source_branch == mr.source.default_branch:
        return False
    source = t.repositories.of(mr.source.id)
    if source.branch(mr.source_branch) != mr.newest.head_sha:
        return False
    source.delete_ref(f"refs/heads/{mr.source_branch}", mr.newest.head_sha)
    return True


def _squashed(repository: Repository, tip: str, head: str, message: str, author: tuple[str, str]) -> str:
    base = merge_base(repository, tip, head)
    if base is None:
        return head
    tree = repository.git("rev-parse", f"{head}^{{tree}}").decode().strip()
    return commit_tree(repository, tree, (base,), message, author)
