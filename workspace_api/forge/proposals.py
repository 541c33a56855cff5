"""Proposals: merge requests on the forge, made and settled in people's names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from gitlab.exceptions import GitlabError

from workspace_api.errors import ConflictError, ForbiddenError, NotFoundError
from workspace_api.forge.client import ForgeClient

MOST = 100
STATES = {"opened": "open", "merged": "accepted", "closed": "declined", "locked": "open"}
REFUSED = (405, 406, 409, 422)
NOT_THEIRS = (401, 403)


@dataclass(frozen=True)
class ForgeProposal:
    """One proposal; `state` is open, accepted or declined; `conflicts` says that it does not fit any more.

    `commit` is what is proposed, `arrived` that by which the project has it, once it was accepted.
    """

    number: int
    title: str
    description: str
    author: str
    state: str
    source: str
    branch: str
    target_branch: str
    base: str
    commit: str
    arrived: str
    conflicts: bool
    created_at: dt.datetime
    settled_at: dt.datetime | None


@dataclass(frozen=True)
class FileChange:
    """One file that a proposal changes; `patch` is the forge's text difference, empty for binary files."""

    path: str
    old_path: str
    kind: str
    patch: str


@dataclass(frozen=True)
class Remark:
    """What somebody said of a proposal, such as why it was declined."""

    author: str
    words: str
    said_at: dt.datetime


class ForgeProposals:
    """Merge requests of a forge, through its administrator's token in people's names."""

    def __init__(self, forge: ForgeClient) -> None:
        self._forge = forge

    def create(self, path: str, source: str, branch: str, user: str, title: str, text: str) -> ForgeProposal:
        """Propose `branch` of the fork `source` to `path`; ConflictError when it is proposed already."""
        target = self._forge.ask(lambda forge: forge.projects.get(path))
        wanted = {
            "source_branch": branch,
            "target_branch": target.default_branch,
            "target_project_id": target.id,
            "title": title,
            "description": text,
        }

        def make(forge: Any) -> Any:
            try:
                return forge.projects.get(source, lazy=True).mergerequests.create(wanted, sudo=user)
            except GitlabError as error:
                if error.response_code == 409:
                    raise ConflictError(
                        "These changes are proposed already. What you save now is added to that proposal."
                    ) from error
                raise

        return self.get(path, int(self._forge.ask(make).iid))

    def of(self, path: str, state: str) -> list[ForgeProposal]:
        """Return the proposals to `path`, newest first; `state` is open or all."""
        wanted = "opened" if state == "open" else "all"

        def listed(forge: Any) -> Any:
            project = forge.projects.get(path, lazy=True)
            return project.mergerequests.list(state=wanted, per_page=MOST, get_all=False)

        return [self._view(each) for each in self._forge.ask(listed)]

    def get(self, path: str, number: int) -> ForgeProposal:
        """Return one proposal; NotFoundError when there is none of this number."""
        return self._view(self._one(path, number))

    def changes(self, path: str, number: int) -> list[FileChange]:
        """Return what a proposal changes."""
        one = self._one(path, number)
        changed = self._forge.ask(lambda _forge: one.changes())["changes"]
        return [
            FileChange(each["new_path"], each["old_path"], _kind(each), each.get("diff") or "")
            for each in changed
        ]

    def remarks(self, path: str, number: int) -> list[Remark]:
        """Return what people said of a proposal, oldest first; what the forge itself notes is left out."""
        one = self._one(path, number)
        asked = {"order_by": "created_at", "sort": "asc", "per_page": MOST, "get_all": False}
        said = self._forge.ask(lambda _forge: one.notes.list(**asked))
        return [
            Remark(str(note.author["username"]), str(note.body), dt.datetime.fromisoformat(note.created_at))
            for note in said
            if not getattr(note, "system", False)
        ]

    def accept(self, path: str, number: int, commit: str, user: str | None) -> ForgeProposal:
        """Merge a proposal as it was seen at `commit`, as the administrator where `user` is None.

        Raises ConflictError when it changed or does not fit.
        """
        one = self._one(path, number)
        words = f"{one.title}\n\nProposal {number} of {one.author['username']}"

        def merge(_forge: Any) -> None:
            try:
                one.merge(sha=commit, merge_commit_message=words, **_as(user))
            except GitlabError as error:
                if error.response_code in NOT_THEIRS:
                    raise ForbiddenError("Only maintainers of the project may accept proposals.") from error
                if error.response_code in REFUSED:
                    raise ConflictError(
                        "It cannot be accepted as it is now: it changed meanwhile, is settled, or no longer "
                        "fits the project. Ask its author to get updates and to save a new version."
                    ) from error
                raise

        self._forge.ask(merge)
        return self.get(path, number)

    def decline(self, path: str, number: int, user: str | None, words: str) -> ForgeProposal:
        """Close a proposal, with the reason as a note, as the administrator where `user` is None.

        Raises ConflictError when it is settled already.
        """
        one = self._one(path, number)
        if STATES.get(one.state) != "open":
            raise ConflictError(f"It was {STATES.get(one.state, one.state)} already. Nothing was changed.")

        def close(_forge: Any) -> None:
            if words:
                one.notes.create({"body": words}, **_as(user))
            one.state_event = "close"
            one.save(**_as(user))

        self._forge.ask(close)
        return self.get(path, number)

    def _one(self, path: str, number: int) -> Any:
        found = self._forge.find(lambda forge: forge.projects.get(path, lazy=True).mergerequests.get(number))
        if found is None:
            raise NotFoundError(f"There is no proposal {number} to {path}.")
        return found

    def _view(self, one: Any) -> ForgeProposal:
        settled = getattr(one, "merged_at", None) or getattr(one, "closed_at", None)
        source = self._forge.find(lambda forge: forge.projects.get(one.source_project_id))
        base = (getattr(one, "diff_refs", None) or {}).get("base_sha", "")
        return ForgeProposal(
            number=int(one.iid),
            title=str(one.title),
            description=str(one.description or ""),
            author=str(one.author["username"]),
            state=STATES.get(one.state, str(one.state)),
            source=str(source.path_with_namespace) if source is not None else "",
            branch=str(one.source_branch),
            target_branch=str(one.target_branch),
            base=str(base),
            commit=str(one.sha or ""),
            arrived=_arrived(one) if one.state == "merged" else "",
            conflicts=bool(one.has_conflicts),
            created_at=dt.datetime.fromisoformat(one.created_at),
            settled_at=dt.datetime.fromisoformat(settled) if settled else None,
        )


def _arrived(one: Any) -> str:
    """Return the commit of a merge, which a fast-forward or somebody's own push has none of."""
    names = ("merge_commit_sha", "squash_commit_sha", "sha")
    return next((str(commit) for name in names if (commit := getattr(one, name, None))), "")


def _as(user: str | None) -> dict[str, str]:
    return {"sudo": user} if user is not None else {}


def _kind(each: dict[str, Any]) -> str:
    for name, word in (("new_file", "added"), ("deleted_file", "removed"), ("renamed_file", "renamed")):
        if each.get(name):
            return word
    return "changed"
