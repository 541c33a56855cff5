"""What git in a session proves itself to the forge with, and that it ends with the session."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from auth.identity import ALL_SCOPES
from tests.kills import killed_at_each_moment
from tests.sessions.conftest import ADA
from workspace_api.app import create_app
from workspace_api.database import now
from workspace_api.errors import NotSignedInError, UnavailableError
from workspace_api.tokens.models import Token
from workspace_api.workspace import Workspace

NAME = "labfork session"


@pytest.fixture
def begin(workspace):
    """Makes the token of a session of Ada's and returns who asks with it."""
    workspace.forge.ensure_user("ada", "Ada")

    def make():
        mark = os.urandom(8).hex()
        workspace.tokens.create("ada", "Session", ALL_SCOPES - {"read_api"}, run_id=mark)
        return replace(ADA, within=mark)

    return make


@pytest.fixture
def at_forge(forge):
    """Returns the passwords for git in Ada's sessions that work at the forge; none do at first."""
    [ada] = forge.client().users.list(username="ada")

    def look() -> list[str]:
        tokens = ada.impersonationtokens.list(get_all=True)
        return [token.name for token in tokens if token.active and token.name.startswith(NAME)]

    for token in ada.impersonationtokens.list(get_all=True):
        token.delete()
    return look


@pytest.fixture
def reaches(forge, tmp_path):
    """Returns whether git with a password gets what is Ada's alone."""
    root = forge.client()
    if not root.projects.list(search="adas-own"):
        root.projects.create({"name": "adas-own", "visibility": "private"}, sudo="ada")

    def look(password: str) -> bool:
        address = f"http://oauth2:{password}@127.0.0.1:{forge.port}/git/ada/adas-own.git"
        return forge.git("ls-remote", address, cwd=tmp_path, check=False).returncode == 0

    return look


def later(workspace, minutes: float) -> None:
    """Let time go by since passwords were asked for last."""
    with workspace.database.write() as session:
        earlier = now() - dt.timedelta(minutes=minutes)
        asked = update(Token).where(Token.git_password_at.is_not(None))
        session.execute(asked.values(git_password_at=earlier))


def test_a_sessions_git_is_given_one_password_and_another_session_another(workspace, begin, at_forge):
    one, other = begin(), begin()
    borrow = workspace.sessions.git_passwords.borrow

    assert borrow(one) == borrow(one)
    assert borrow(one) != borrow(other)
    assert len(at_forge()) == 2


def test_it_reaches_the_forge_as_long_as_the_session_lasts(workspace, begin, reaches):
    inside, other = begin(), begin()
    password = workspace.sessions.git_passwords.borrow(inside)
    others = workspace.sessions.git_passwords.borrow(other)
    assert reaches(password)

    workspace.tokens.revoke_for_run(inside.within)
    workspace.sessions.git_passwords.end_left()

    assert not reaches(password)
    assert reaches(others)
    with pytest.raises(NotSignedInError, match="has just ended"):
        workspace.sessions.git_passwords.borrow(inside)


def borrow(workspace: Workspace, mark: str) -> None:
    workspace.sessions.git_passwords.borrow(replace(ADA, within=mark))


def test_none_outlives_its_session_whenever_who_made_it_was_killed(workspace, begin, at_forge):
    inside = begin()
    for _ in killed_at_each_moment(workspace.settings, borrow, inside.within):
        pass
    assert at_forge()

    workspace.tokens.revoke_for_run(inside.within)
    workspace.sessions.git_passwords.end_left()

    assert at_forge() == []


def test_one_that_the_forge_makes_while_its_session_ends_is_ended_too(workspace, begin, at_forge):
    inside = begin()
    note = workspace.tokens.for_git(inside.within)
    workspace.tokens.note_git_password(note.token_id)
    workspace.tokens.revoke_for_run(inside.within)
    workspace.sessions.git_passwords.end_left()
    workspace.sessions.git_passwords._passwords.make("ada", "Ada", note.mark)
    assert at_forge() == [f"{NAME} {note.mark}"]

    later(workspace, 6)
    workspace.sessions.git_passwords.end_left()

    assert at_forge() == []
    assert workspace.tokens.git_left() == []


def test_the_forge_is_not_asked_again_and_again_of_what_has_ended(workspace, begin, monkeypatch):
    inside = begin()
    workspace.sessions.git_passwords.borrow(inside)
    workspace.tokens.revoke_for_run(inside.within)
    asked = []
    monkeypatch.setattr(workspace.sessions.git_passwords._passwords, "end", lambda *mark: asked.append(mark))
    for _ in range(5):
        workspace.sessions.git_passwords.end_left()

    assert len(asked) == 1


def test_while_the_forge_is_away_it_waits(workspace, begin, at_forge, monkeypatch):
    inside = begin()
    workspace.sessions.git_passwords.borrow(inside)
    workspace.tokens.revoke_for_run(inside.within)

    def away(*_):
        raise UnavailableError("The forge does not answer.")

    monkeypatch.setattr(workspace.forge, "ask", away)
    with pytest.raises(UnavailableError):
        workspace.sessions.git_passwords.end_left()
    monkeypatch.undo()
    workspace.sessions.git_passwords.end_left()

    assert at_forge() == []


def test_it_ends_with_the_account_and_begins_anew_with_it(workspace, begin, reaches):
    inside = begin()
    before = workspace.sessions.git_passwords.borrow(inside)
    workspace.people.disable("ada")
    workspace.sessions.git_passwords.end_left()
    assert not reaches(before)

    workspace.people.disable("ada", disabled=False)
    assert reaches(workspace.sessions.git_passwords.borrow(inside))


@pytest.mark.parametrize(
    ("mark", "status", "words"),
    [
        ("a session", 200, "password"),
        (None, 403, "make one under My work, Git access"),
    ],
)
def test_only_what_runs_in_a_session_is_given_one(workspace, mark, status, words):
    token = workspace.tokens.create("ada", "A token", frozenset({"api"}), run_id=mark).secret
    asking = {"Authorization": f"Bearer {token}"}
    answer = TestClient(create_app(workspace)).post("/api/v1/git-credential", headers=asking)

    assert answer.status_code == status
    assert words in answer.text
    assert TestClient(create_app(workspace)).post("/api/v1/git-credential").status_code == 401
