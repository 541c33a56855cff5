"""After refs moved: merge requests follow, and hooks are told.

Where the refs of a project are is compared with where they were last known to be, and the difference is told
in the transaction that takes it down. So nothing is lost when the forge is killed in between: the next start
finds the same difference. Pushes that overlap may be told as one.
"""

from __future__ import annotations

from sqlalchemy import delete, select

from deploy.forge import merge_requests as mrs
from deploy.forge.events import tell_merge_request, tell_push
from deploy.forge.git.repository import ZERO
from deploy.forge.models import KnownRef, Project, Push, User, now
from deploy.forge.transaction import Transaction

BRANCH = "refs/heads/"


def watch(t: Transaction, project: Project) -> None:
    """Take down where the refs are, and tell nobody."""
    t.session.execute(delete(KnownRef).where(KnownRef.project_id == project.id))
    for ref, sha in t.repositories.of(project.id).refs().items():
        t.session.add(KnownRef(project_id=project.id, ref=ref, sha=sha))
    project.watched = True
    t.session.flush()


def announce(t: Transaction, project: Project, user: User) -> None:
    """Tell what moved since the last time; `user` did, where no push is known that did."""
    before = {
        known.ref: known
        for known in t.session.scalars(select(KnownRef).where(KnownRef.project_id == project.id))
    }
    after = t.repositories.of(project.id).refs()
    moved = [
        (ref, before[ref].sha if ref in before else ZERO, after.get(ref, ZERO))
        for ref in sorted(before.keys() | after.keys())
        if ref not in before or before[ref].sha != after.get(ref)
    ]
    if not moved:
        return
    project.last_activity_at = now()
    _mend_default_branch(t, project, after)
    for ref, old, new in moved:
        _take_down(t, project, before.get(ref), ref, new)
        who = _pusher(t, project, ref, new) or user
        tell_push(t, project, who, ref, old, new)
        if ref.startswith(BRANCH) and new != ZERO:
            _follow(t, project, who, ref.removeprefix(BRANCH), new)


def fetch_ahead(t: Transaction, project: Project) -> None:
    """Bring the objects of what a project proposes to where it does; changes no record."""
    source = t.repositories.of(project.id)
    for mr in mrs.opened_from(t, project):
        if source.branch(mr.source_branch) is not None:
            t.repositories.of(mr.target_project_id).bring(source, mr.source_branch)


def _follow(t: Transaction, project: Project, user: User, branch: str, tip: str) -> None:
    for mr in mrs.opened_from(t, project):
        if mr.source_branch == branch and (old := mrs.renew(t, mr)) is not None:
            tell_merge_request(t, mr, user, "update", old)
    for mr in mrs.opened_to(t, project, branch):
        if (commit := mrs.landed(t, mr, tip)) is not None:
            mrs.note_merged(mr, user, commit or None)
            tell_merge_request(t, mr, user, "merge")


def _mend_default_branch(t: Transaction, project: Project, refs: dict[str, str]) -> None:
    """Make the first branch of an empty project its default, also when the default one went away."""
    branches = sorted(ref.removeprefix(BRANCH) for ref in refs if ref.startswith(BRANCH))
    if branches and project.default_branch not in branches:
        project.default_branch = branches[0]
        t.repositories.of(project.id).head_to(branches[0])


def _take_down(t: Transaction, project: Project, known: KnownRef | None, ref: str, sha: str) -> None:
    if known is None:
        t.session.add(KnownRef(project_id=project.id, ref=ref, sha=sha))
    elif sha == ZERO:
        t.session.delete(known)
    else:
        known.sha = sha


def _pusher(t: Transaction, project: Project, ref: str, sha: str) -> User | None:
    asked = select(User).join(Push).where(Push.project_id == project.id, Push.ref == ref, Push.sha == sha)
    return t.session.scalar(asked.order_by(Push.id))
