"""Saving versions, getting updates, going back, proposing changes and settling proposals."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from auth.identity import Identity
from auth.permissions import ACCEPTS_FROM, Action, ProjectFacts, may
from workspace_api.errors import ConflictError, FieldError, InvalidInputError, WorkspaceError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.lineage import ForgeLineage
from workspace_api.forge.proposals import FileChange, ForgeProposal, ForgeProposals, Remark
from workspace_api.guard import require
from workspace_api.imports.news import NewsService
from workspace_api.projects.service import ProjectService
from workspace_api.proposals.notebook_cells import changed_cells
from workspace_api.proposals.views import Changes, Done, History, ProposedFile
from workspace_api.sessions.models import SessionState
from workspace_api.sessions.service import SessionService

Shape = TypeVar("Shape", bound=BaseModel)
LONGEST_MESSAGE = 2_000
LONGEST_TAG = 100
MOST_NOTEBOOK_BYTES = 5_000_000
OTHER_PACKAGES = (
    "The environment files ask for other packages than this session has. Stop it and open the project again "
    "to have them; their environment is built meanwhile."
)


@dataclass(frozen=True)
class Whole:
    """A proposal with what it changes, and what people said of it."""

    proposal: ForgeProposal
    changes: Sequence[ProposedFile]
    remarks: Sequence[Remark]


class ProposalService:
    """What authors do with their checkouts, and maintainers with what is proposed to them."""

    def __init__(
        self, forge: ForgeClient, projects: ProjectService, sessions: SessionService, news: NewsService
    ) -> None:
        self._forge = forge
        self._projects = projects
        self._sessions = sessions
        self._news = news
        self._proposals = ForgeProposals(forge)
        self._lineage = ForgeLineage(forge)

    def save_version(
        self, identity: Identity, path: str, message: str, tag: str | None, insist: Sequence[str] = ()
    ) -> Done:
        """Save everything in the caller's checkout as a version, and name it when a tag is given.

        Files that seem to hold secrets are held back, but for those that `insist` names.
        """
        words = _checked(message, "message", LONGEST_MESSAGE, "Say in a few words what changed.")
        name = _checked(tag, "tag", LONGEST_TAG, "") if tag else None
        done = self._do(identity, path, operation="save", message=words, tag=name, insist=list(insist))
        self._projects.refresh(path)
        return done

    def get_updates(self, identity: Identity, path: str) -> Done:
        """Bring what is new in the project into the caller's checkout; nothing of theirs is lost.

        A copy of a repository from elsewhere gets what is new there too; where that cannot be had, a note of
        the answer says why.
        """
        copy = self._sessions.copies.of(identity, path)
        with self._news.of(identity, copy.checkout_of or path if copy is not None else path) as news:
            source = self._sessions.operations.repository(news.project) if news.project else None
            done = self._do(identity, path, operation="update", source=source)
        return done.model_copy(update={"notes": [news.said, *done.notes]}) if news.said else done

    def go_back(self, identity: Identity, path: str, version: str) -> Done:
        """Make the files of the caller's checkout what they were in an earlier version, as a new one."""
        to = _checked(version, "version", LONGEST_TAG, "Name a version or a commit.")
        return self._do(identity, path, operation="go_back", to=to)

    def what_changed(self, identity: Identity, path: str, before: str = "", after: str = "") -> Changes:
        """Return what differs in the caller's checkout: between two versions, else since the last one."""
        span = {
            "before": _checked(before, "before", LONGEST_TAG, ""),
            "after": _checked(after, "after", LONGEST_TAG, ""),
        }
        return self._understood(
            Changes, self._sessions.operations.run(identity, path, {"operation": "changes", **span})
        )

    def history(self, identity: Identity, path: str) -> History:
        """Return the versions that the caller's checkout has had."""
        return self._understood(
            History, self._sessions.operations.run(identity, path, {"operation": "history"})
        )

    def propose(self, identity: Identity, path: str, title: str, description: str) -> ForgeProposal:
        """Propose the caller's fork to the project it was forked from.

        Raises ConflictError where there is no fork, nothing new in it, or an open proposal of it.
        """
        words = _checked(title, "title", 200, "Say in a few words what you propose.")
        self._require(identity, Action.PROPOSE, path, "propose changes")
        copy = self._sessions.copies.of(identity, path)
        fork = copy.checkout_of if copy is not None else None
        if fork is None:
            raise ConflictError("You have no copy of this project with changes. Open it first.")
        if copy is not None and fork == path != copy.project:
            raise ConflictError(
                f"{path} is your own copy. Propose it to {copy.project}, where it comes from."
            )
        if fork == path:
            raise ConflictError("You may write to this project yourself: save a version instead.")
        if self._forge.project(fork) is None:
            raise ConflictError(
                f"Your copy {fork} is not on the forge any more. Open the project again, which makes a new "
                "one, and save a version; your work is in your home."
            )
        if self._lineage.behind(path, fork) == 0:
            raise ConflictError(f"Your copy has nothing new that {path} has not. Save a version first.")
        branch = self._projects.get(identity, fork).default_branch
        return self._proposals.create(path, fork, branch, identity.user or "", words, description[:10_000])

    def of(self, identity: Identity, path: str, state: str = "open") -> Sequence[ForgeProposal]:
        """Return the proposals to a project, newest first."""
        return self._proposals.of(self._projects.get(identity, path).path, state)

    def get(self, identity: Identity, path: str, number: int) -> Whole:
        """Return a proposal with its changes, those of notebooks cell by cell, and what was said of it."""
        project = self._projects.get(identity, path)
        proposal = self._proposals.get(project.path, number)
        changes = [self._readable(proposal, c) for c in self._proposals.changes(project.path, number)]
        return Whole(proposal, changes, self._proposals.remarks(project.path, number))

    def accept(self, identity: Identity, path: str, number: int, commit: str) -> ForgeProposal:
        """Take a proposal, as it was seen at `commit`, into the project."""
        self._require(identity, Action.ACCEPT_PROPOSAL, path, "accept a proposal")
        settled = self._proposals.accept(path, number, commit, self._actor(identity, path))
        self._projects.refresh(path)
        return settled

    def decline(self, identity: Identity, path: str, number: int, words: str) -> ForgeProposal:
        """Decline a proposal and say why; its author may withdraw it the same way."""
        mine = self._proposals.get(path, number).author == identity.user
        if not mine:
            self._require(identity, Action.ACCEPT_PROPOSAL, path, "decline a proposal")
        actor = identity.user if mine else self._actor(identity, path)
        return self._proposals.decline(path, number, actor, words[:5_000].strip())

    def awaits_curation(self, identity: Identity, path: str, proposal: ForgeProposal) -> str | None:
        """Return the curated version of a project where that has not yet what was accepted, else None."""
        project = self._projects.get(identity, path)
        if not proposal.arrived or project.curated_commit is None:
            return None
        holds = self._lineage.holds(path, project.curated_commit, proposal.arrived)
        return project.curated_version if holds is False else None

    def may_settle(self, identity: Identity, path: str) -> bool:
        """Whether the caller may accept and decline proposals to a project."""
        return may(identity, Action.ACCEPT_PROPOSAL, self._facts(identity, path))

    def person_may_settle(self, identity: Identity, path: str) -> bool:
        """Whether the caller's person may, on the page, also where a session asks that may not itself."""
        return self.may_settle(dataclasses.replace(identity, within=None), path)

    def _do(self, identity: Identity, path: str, **request: object) -> Done:
        done = self._understood(Done, self._sessions.operations.run(identity, path, request))
        if not done.changed or not self._session_lags(identity, path, done.commit):
            return done
        return done.model_copy(update={"notes": [*done.notes, OTHER_PACKAGES]})

    def _session_lags(self, identity: Identity, path: str, commit: str) -> bool:
        """Whether the caller's session runs in another environment than the files of `commit` ask for."""
        copy = self._sessions.copies.of(identity, path)
        if copy is None or copy.state != SessionState.RUNNING:
            return False
        try:
            asked = self._projects.snapshot(identity, copy.checkout_of or path, commit).environment_key
        except WorkspaceError:  # what was done is done; the project's page tells what is wrong with it
            return False
        return asked != copy.environment_key

    @staticmethod
    def _understood(shape: type[Shape], answer: dict[str, Any]) -> Shape:
        """Return an answer out of somebody's sandbox in its shape; ConflictError for what has another."""
        try:
            return shape.model_validate(answer)
        except ValidationError as error:
            raise ConflictError("git's answer could not be understood. Try again.") from error

    def _actor(self, identity: Identity, path: str) -> str | None:
        """Return in whose name the forge is asked; None for an administrator who is no maintainer there."""
        level = self._facts(identity, path).member_level
        return identity.user if level is not None and level >= ACCEPTS_FROM else None

    def _facts(self, identity: Identity, path: str) -> ProjectFacts:
        project = self._projects.get(identity, path)
        return ProjectFacts(project.visibility, self._forge.member_level(path, identity.user or ""))

    def _require(self, identity: Identity, action: Action, path: str, doing: str) -> None:
        require(identity, action, self._facts(identity, path), doing)

    def _readable(self, proposal: ForgeProposal, change: FileChange) -> ProposedFile:
        """Return a change as people read it: of a notebook the cells that differ, else lines."""
        by_lines = ProposedFile(change.path, change.old_path, change.kind, change.patch)
        if not change.path.endswith(".ipynb") or not proposal.base or not proposal.source:
            return by_lines
        before = self._text(proposal.source, proposal.base, change.old_path, change.kind == "added")
        after = self._text(proposal.source, proposal.commit, change.path, change.kind == "removed")
        cells = changed_cells(before, after)
        return by_lines if cells is None else dataclasses.replace(by_lines, patch="", cells=cells)

    def _text(self, path: str, commit: str, file: str, absent: bool) -> bytes:
        return b"" if absent else self._forge.read(path, commit, file, MOST_NOTEBOOK_BYTES)


def _checked(text: str, field: str, longest: int, missing: str) -> str:
    words = text.strip()
    if not words and missing:
        raise InvalidInputError("Nothing was done.", [FieldError(field, missing)])
    if "\0" in words:
        raise InvalidInputError(
            "Nothing was done.", [FieldError(field, "It holds a character that is no text.")]
        )
    if len(words) > longest:
        raise InvalidInputError(
            "Nothing was done.", [FieldError(field, f"At most {longest} characters; these are {len(words)}.")]
        )
    return words
