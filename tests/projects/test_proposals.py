"""Proposing, accepting and declining, with two people who changed the same place, on a real forge."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from auth.identity import Identity, Level
from tests.projects.conftest import ADMIN
from workspace_api.database import now
from workspace_api.errors import ConflictError, ForbiddenError, NotFoundError
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession

MAINTAINER = 40
FILES = {"notes.txt": "one\ntwo\n", "other.txt": "one\n"}


@pytest.fixture(scope="module")
def people(shelf):
    """Ada and Cy, who propose from forks, and Ben, who is to accept."""
    made = {name: Identity(user=name, level=Level.AUTHOR) for name in ("ada", "ben", "cy")}
    for name, identity in made.items():
        if name != "ada":
            shelf.workspace.people.add(name, level=identity.level)
        shelf.workspace.forge.ensure_user(name, name)
    return made


@pytest.fixture
def project(shelf, people):
    """A project with two texts, of which Ben is a maintainer."""
    path = shelf.publish(FILES)
    [ben] = shelf.root.users.list(username="ben", get_all=False)
    shelf.on_forge(path).members.create({"user_id": ben.id, "access_level": MAINTAINER})
    return path


@pytest.fixture
def copy(shelf, people, project):
    """Makes somebody's fork of the project, as opening the project does; the value is its path."""

    def make(name: str) -> str:
        fork = shelf.workspace.sessions.copies.fork(people[name], project)
        with shelf.workspace.database.write() as session:
            owner = session.scalars(select(User).where(User.name == name)).one()
            session.add(
                WorkSession(
                    id=secrets.token_hex(8),
                    owner=owner,
                    project=project,
                    checkout_of=fork,
                    folder=f"projects/{fork.partition('/')[2]}",
                    kind="lab",
                    server=f"l-{secrets.token_hex(4)}",
                    state=SessionState.STOPPED,
                    opened_at=now(),
                )
            )
        return fork

    return make


@pytest.fixture
def proposals(shelf):
    """What is tested."""
    return shelf.workspace.proposals


def merge_main(shelf, fork: str, project: str, folder) -> None:
    """Bring the project's main branch into a fork as Get updates does: what conflicts stays the fork's."""
    token = shelf.root.private_token
    for arguments in (
        ("clone", "--quiet", shelf.on_forge(fork).http_url_to_repo, "."),
        ("pull", "--quiet", "--no-rebase", "-X", "ours", shelf.on_forge(project).http_url_to_repo, "main"),
        ("push", "--quiet", "origin", "main"),
    ):
        shelf.running.git(*arguments, cwd=folder, token=token)


def test_what_fits_is_proposed_and_accepted_as_it_was_looked_at(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nTWO by Ada\n"})
    made = proposals.propose(people["ada"], project, "Louder", "It was too quiet.")
    seen = proposals.get(people["ben"], project, made.number)

    assert (made.author, made.source, made.state, made.conflicts) == ("ada", fork, "open", False)
    assert [change.path for change in seen.changes] == ["notes.txt"]
    assert "+TWO by Ada" in seen.changes[0].patch
    shelf.change(fork, {"notes.txt": "one\nnot looked at\n"})
    with pytest.raises(ConflictError, match="changed meanwhile"):
        proposals.accept(people["ben"], project, made.number, seen.proposal.commit)
    again = proposals.get(people["ben"], project, made.number).proposal
    settled = proposals.accept(people["ben"], project, made.number, again.commit)
    assert settled.state == "accepted"
    assert shelf.on_forge(project).files.raw("notes.txt", ref="main") == b"one\nnot looked at\n"
    [newest, *_] = shelf.on_forge(project).commits.list(get_all=False)
    assert newest.message == f"{made.title}\n\nProposal {made.number} of ada", (
        "versions are told by what was proposed"
    )


def test_what_was_accepted_waits_for_curation_until_a_curated_version_has_it(
    shelf, people, project, copy, proposals
):
    def awaits(number: int) -> str | None:
        seen = proposals.get(people["ben"], project, number).proposal
        return proposals.awaits_curation(people["ben"], project, seen)

    shelf.change(copy("ada"), {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")
    proposals.accept(people["ben"], project, made.number, made.commit)
    assert awaits(made.number) is None, "the project is not curated"

    before = shelf.on_forge(project).commits.list(get_all=True)[-1].id
    for version, ref, expected in (
        ("v1.0", before, "v1.0"),
        ("v1.1", before, "v1.1"),
        ("v1.2", "main", None),
    ):
        shelf.tag(project, version, ref)
        shelf.workspace.projects.curate(ADMIN, project, version=version)
        assert awaits(made.number) == expected


def test_what_is_open_or_declined_waits_for_no_curation(shelf, people, project, copy, proposals):
    shelf.tag(project, "v1.0")
    shelf.workspace.projects.curate(ADMIN, project, version="v1.0")
    shelf.change(copy("ada"), {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")
    declined = proposals.decline(people["ben"], project, made.number, "")

    for seen in (made, declined):
        assert proposals.awaits_curation(people["ben"], project, seen) is None


@pytest.mark.parametrize(
    ("files", "told"), [({"requirements.txt": "six\n"}, True), ({"notes.txt": "x"}, False)]
)
def test_who_changed_the_environment_files_is_told_that_the_session_has_other_packages(
    shelf, people, project, copy, proposals, monkeypatch, files, told
):
    fork = copy("ada")
    key = shelf.workspace.projects.snapshot(people["ada"], fork).environment_key
    with shelf.workspace.database.write() as session:
        running = {"state": SessionState.RUNNING, "environment_key": key}
        session.execute(update(WorkSession).where(WorkSession.checkout_of == fork).values(**running))
    saved = shelf.change(fork, files, action="create" if told else "update")
    answer = {"commit": saved, "changed": True}
    monkeypatch.setattr(shelf.workspace.sessions.operations, "run", lambda *_: answer)
    done = proposals.save_version(people["ada"], project, "Changed", None)

    assert ("other packages than this session has" in " ".join(done.notes)) is told


def test_two_who_changed_the_same_place_the_second_fits_again_after_updates(
    shelf, people, project, copy, proposals, tmp_path
):
    numbers = {}
    for name in ("ada", "cy"):
        fork = copy(name)
        shelf.change(fork, {"notes.txt": f"one\ntwo by {name}\n"})
        numbers[name] = proposals.propose(people[name], project, f"By {name}", "").number
    first = proposals.get(people["ben"], project, numbers["ada"]).proposal
    proposals.accept(people["ben"], project, first.number, first.commit)
    second = proposals.get(people["ben"], project, numbers["cy"]).proposal

    assert second.conflicts
    with pytest.raises(ConflictError, match="Ask its author to get updates"):
        proposals.accept(people["ben"], project, second.number, second.commit)
    assert shelf.on_forge(project).files.raw("notes.txt", ref="main") == b"one\ntwo by ada\n"
    merge_main(shelf, fork, project, tmp_path)
    fits = proposals.get(people["ben"], project, second.number).proposal
    assert not fits.conflicts
    assert proposals.accept(people["ben"], project, fits.number, fits.commit).state == "accepted"
    assert shelf.on_forge(project).files.raw("notes.txt", ref="main") == b"one\ntwo by cy\n"


def test_what_conflicts_already_is_proposed_and_says_so(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    shelf.change(project, {"notes.txt": "one\ntheirs\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")

    assert (made.state, made.conflicts) == ("open", True)
    assert "+mine" in proposals.get(people["ben"], project, made.number).changes[0].patch


def test_declining_what_conflicts_gives_the_reason_and_loses_nothing(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")
    shelf.change(project, {"notes.txt": "one\ntheirs\n"})
    with pytest.raises(ForbiddenError):
        proposals.decline(people["cy"], project, made.number, "I do not like it")
    settled = proposals.decline(people["ben"], project, made.number, "We changed it ourselves.")
    [note] = shelf.on_forge(project).mergerequests.get(made.number).notes.list(get_all=True)

    assert settled.state == "declined"
    assert (note.body, note.author["username"]) == ("We changed it ourselves.", "ben")
    told = proposals.get(people["ada"], project, made.number).remarks
    assert [(remark.author, remark.words) for remark in told] == [("ben", "We changed it ourselves.")]
    assert shelf.on_forge(fork).files.raw("notes.txt", ref="main") == b"one\nmine\n"
    with pytest.raises(ConflictError, match="is settled"):
        proposals.accept(people["ben"], project, made.number, settled.commit)
    assert proposals.propose(people["ada"], project, "Mine once more", "").number == made.number + 1


def test_what_another_has_settled_is_not_settled_again(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")
    proposals.accept(people["ben"], project, made.number, made.commit)

    with pytest.raises(ConflictError, match="is settled"):
        proposals.accept(people["ben"], project, made.number, made.commit)
    with pytest.raises(ConflictError, match="accepted"):
        proposals.decline(people["ben"], project, made.number, "Too late")
    [kept] = proposals.of(people["ben"], project, "all")
    assert kept.state == "accepted"
    assert shelf.on_forge(project).mergerequests.get(made.number).notes.list(get_all=True) == []


def test_its_author_withdraws_a_proposal_and_nobody_else_may(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")

    for refused in (proposals.accept, proposals.decline):
        with pytest.raises(ForbiddenError):
            refused(people["cy"], project, made.number, made.commit)
    with pytest.raises(ForbiddenError):
        proposals.accept(people["ada"], project, made.number, made.commit)
    assert proposals.decline(people["ada"], project, made.number, "").state == "declined"


def test_the_token_of_a_session_settles_nothing_in_its_maintainers_name(
    shelf, people, project, copy, proposals
):
    shelf.change(copy("ada"), {"notes.txt": "one\nmine\n"})
    made = proposals.propose(replace(people["ada"], within="a session"), project, "Mine", "")
    bens_session = replace(people["ben"], within="a session")

    for settle in (proposals.accept, proposals.decline):
        with pytest.raises(ForbiddenError, match=r"for its person to decide\. Do it on the"):
            settle(bens_session, project, made.number, made.commit)
    assert proposals.get(people["ben"], project, made.number).proposal.state == "open"
    assert not proposals.may_settle(bens_session, project)
    assert proposals.person_may_settle(bens_session, project)
    assert not proposals.person_may_settle(replace(people["cy"], within="a session"), project)
    withdrawn = proposals.decline(replace(people["ada"], within="a session"), project, made.number, "")
    assert withdrawn.state == "declined", "one's own proposal is no decision for others"


def test_what_cannot_be_proposed_is_said(shelf, people, project, copy, proposals):
    with pytest.raises(ConflictError, match="Open it first"):
        proposals.propose(people["cy"], project, "Nothing", "")
    fork = copy("ada")
    with pytest.raises(ConflictError, match="nothing new"):
        proposals.propose(people["ada"], project, "Nothing", "")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    proposals.propose(people["ada"], project, "Mine", "")
    with pytest.raises(ConflictError, match="proposed already"):
        proposals.propose(people["ada"], project, "Mine again", "")
    with pytest.raises(NotFoundError, match="no proposal 77"):
        proposals.get(people["ada"], project, 77)


def test_a_copy_that_was_deleted_on_the_forge_cannot_be_proposed_and_the_remedy_is_named(
    shelf, people, project, copy, proposals
):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    shelf.root.projects.delete(fork)

    with pytest.raises(ConflictError, match=r"not on the forge any more\. Open the project again"):
        proposals.propose(people["ada"], project, "Mine", "")


def test_a_proposal_whose_fork_is_gone_is_declined_and_still_read(shelf, people, project, copy, proposals):
    fork = copy("ada")
    shelf.change(fork, {"notes.txt": "one\nmine\n"})
    made = proposals.propose(people["ada"], project, "Mine", "")
    shelf.root.projects.delete(fork)
    seen = proposals.get(people["ben"], project, made.number)

    assert (seen.proposal.state, seen.proposal.source) == ("declined", "")
    assert "+mine" in seen.changes[0].patch
    with pytest.raises(ConflictError, match="is settled"):
        proposals.accept(people["ben"], project, made.number, made.commit)
