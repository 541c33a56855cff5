"""Who may open a session, what is refused and why; the sessions themselves are in tests/workspace."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from auth.identity import Identity
from tests.sessions.conftest import ADA, EVE, PROJECT
from workspace_api.app import create_app
from workspace_api.database import now
from workspace_api.environments.models import Environment
from workspace_api.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    NotSignedInError,
    UnavailableError,
)
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.queue import server_name
from workspace_api.sessions.surroundings import Place
from workspace_api.sessions.views import Waiting


@pytest.mark.parametrize(
    ("identity", "kind", "refusal"),
    [
        (Identity(visitor="a browser"), "lab", NotSignedInError),
        (EVE, "lab", ForbiddenError),
        (ADA, "desktop", InvalidInputError),
    ],
)
def test_who_may_not_open_what(workspace, identity, kind, refusal):
    with pytest.raises(refusal):
        workspace.sessions.open(identity, PROJECT, kind)

    assert workspace.sessions.mine(ADA, ended=True) == []


def test_a_project_that_one_may_not_read_is_not_there(workspace):
    with pytest.raises(NotFoundError):
        workspace.sessions.open(ADA, "tests/secret")


def test_a_hub_that_does_not_answer_is_named_and_leaves_no_half_open_session(workspace):
    with pytest.raises(UnavailableError, match="JupyterHub does not answer"):
        workspace.sessions.open(ADA, PROJECT)

    assert workspace.sessions.mine(ADA) == []
    [failed] = workspace.sessions.mine(ADA, ended=True)
    assert failed.state == "failed"


def test_a_project_whose_environment_cannot_be_built_is_opened_without_its_packages(workspace, running):
    running(2)  # so that it waits, and JupyterHub is not asked
    key = workspace.projects.snapshot(ADA, PROJECT).environment_key
    with workspace.database.write() as session:
        session.execute(update(Environment).where(Environment.key == key).values(state="failed", error="No."))
    plain = workspace.sessions.open(ADA, PROJECT, without_packages=True)
    with workspace.database.write() as session:
        session.execute(
            update(WorkSession).where(WorkSession.id == plain.id).values(state=SessionState.PREPARING)
        )

    assert plain.environment_key == workspace.environments.want({}) != key
    assert workspace.sessions.prepare("ada", plain.server) == Waiting("Building the environment")


@pytest.mark.parametrize(("kind", "there"), [("lab", True), ("worksheet", False)])
def test_jupyterlab_has_the_panel_and_voila_which_cannot_show_it_has_not(workspace, tmp_path, kind, there):
    [size, *_] = workspace.sessions.choice.offered(ADA)
    job = workspace.sessions._preparation._surroundings.server_job(
        Place(tmp_path / "place"),
        workspace.people.get("ada"),
        (),
        (),
        size=size,
        kind=kind,
        project=PROJECT,
        folder="projects/sessions",
        environment_key=workspace.environments.want({}),
        token="lf_secret",
    )

    assert ("JUPYTER_PATH" in job.env) is there


def test_at_the_limits_of_a_person_and_of_the_machine_a_session_waits_and_says_for_what(workspace, running):
    running(2)
    own = workspace.sessions.open(ADA, PROJECT)
    running(1, user="eve")
    next_one = workspace.sessions.open(EVE, PROJECT, "worksheet")

    assert own.state == next_one.state == "waiting"
    assert own.standing.position is None
    assert "You have 2 sessions open, the most at once" in own.standing.words
    assert "stop tests/p0 or tests/p1" in own.standing.words
    assert next_one.standing.position == 1
    assert next_one.standing.words == "You are next; places get free when a session ends."


def test_one_that_waits_is_told_nothing_of_by_the_spawner_and_can_be_cancelled(workspace, running):
    running(2)
    waiting = workspace.sessions.open(ADA, PROJECT)
    with pytest.raises(NotFoundError, match="Open the project from its page"):
        workspace.sessions.prepare("ada", waiting.server)

    assert workspace.sessions.stop(ADA, waiting.id).state == "stopped"
    assert workspace.sessions.open(ADA, PROJECT).id != waiting.id


def test_more_may_not_wait_than_make_sense(workspace, running):
    running(2)
    workspace.sessions.open(ADA, PROJECT)
    workspace.sessions.open(ADA, PROJECT, "worksheet")
    with pytest.raises(LimitReachedError, match="2 of your sessions wait"):
        workspace.sessions.open(ADA, "tests/other")


def test_one_that_waits_keeps_its_turn_while_jupyterhub_is_away(workspace, running):
    running(3)
    waiting = workspace.sessions.open(EVE, PROJECT, "worksheet")
    with workspace.database.write() as session:
        session.execute(update(WorkSession).where(WorkSession.server == "l-p0").values(state="stopped"))
    with pytest.raises(UnavailableError, match="JupyterHub does not answer"):
        workspace.sessions.upkeep.go_on()

    after = workspace.sessions.get(EVE, waiting.id)
    assert (after.state, after.opened_at) == ("waiting", waiting.opened_at)


def test_one_that_is_prepared_while_the_forge_is_away_is_not_at_its_end(workspace, running, monkeypatch):
    running(1)
    with workspace.database.write() as session:
        session.execute(update(WorkSession).values(state="preparing", project=PROJECT))

    def away(*_):
        raise UnavailableError("The forge does not answer.")

    monkeypatch.setattr(workspace.forge, "member_level", away)
    with pytest.raises(UnavailableError, match="The forge does not answer"):
        workspace.sessions.prepare("ada", "l-p0")
    monkeypatch.undo()

    [session] = workspace.sessions.mine(ADA)
    assert (session.state, session.error) == ("preparing", None)


def test_the_spawner_is_told_nothing_of_a_server_that_nobody_opened(workspace):
    with pytest.raises(NotFoundError, match="Open the project from its page"):
        workspace.sessions.prepare("ada", "l-sessions-0000")


def test_without_a_checkout_there_is_nothing_to_save(workspace):
    with pytest.raises(NotFoundError, match="Open it first"):
        workspace.proposals.save_version(ADA, PROJECT, "Better", None)


@pytest.mark.parametrize(("message", "field"), [("", "message"), ("x" * 2001, "message")])
def test_a_version_needs_words_of_a_sensible_length(workspace, message, field):
    with pytest.raises(InvalidInputError) as refused:
        workspace.proposals.save_version(ADA, PROJECT, message, None)

    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize("question", ["prepare", "started", "ended"])
@pytest.mark.parametrize("authorization", [None, "Bearer web", "Bearer "])
def test_only_jupyterhub_asks_the_spawners_questions(workspace, question, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    more = {"ended": {"reason": "exited"}, "started": {"control": "ab"}}
    body = {"user": "ada", "server": "x", **more.get(question, {})}
    answer = TestClient(create_app(workspace)).post(
        f"/api/v1/internal/sessions/{question}", json=body, headers=headers
    )

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("genomics/alphagenome", "l-alphagenome"),
        ("lab/My_Project.2", "l-my-project-2"),
        ("lab/" + "x" * 90, "l-" + "x" * 20),
        ("lab/---", "l-project"),
    ],
)
def test_the_name_of_a_server_is_one_that_jupyterhub_takes(path, name):
    made = server_name(path, "lab")

    assert made.startswith(f"{name}-")
    assert len(made) <= 30
    assert "--" not in made
    assert made != server_name(path, "worksheet")


def test_git_waits_for_an_environment_that_another_builder_had_made(workspace):
    with workspace.database.write() as session:
        owner = session.scalars(select(User).where(User.name == "ada")).one()
        given = {"project": PROJECT, "checkout_of": PROJECT, "folder": "projects/sessions"}
        kept = {"environment_key": "of-another-builder", "state": SessionState.STOPPED}
        row = WorkSession(id="ad", owner=owner, kind="lab", server="l-s", opened_at=now(), **given, **kept)
        session.add(row)

    with pytest.raises(ConflictError, match=r"built anew\. Try again"):
        workspace.sessions.operations.run(ADA, PROJECT, {"operation": "save"})

    assert workspace.environments.count_by_state()["wanted"] == 1


@pytest.fixture
def forked(workspace, running):
    """Ada's fork of the project, with a session on her copy as Open on the project's page makes it."""
    fork = workspace.sessions.copies.fork(ADA, PROJECT)
    running(1)
    with workspace.database.write() as session:
        session.execute(update(WorkSession).values(project=PROJECT, server=server_name(PROJECT, "lab")))
        session.execute(update(WorkSession).values(checkout_of=fork, folder="projects/sessions"))
    return fork


@pytest.fixture
def asked(workspace, monkeypatch):
    """What git is asked for, in place of being asked."""
    made: list[dict] = []
    answer = {"commit": "0" * 40, "changed": False, "held_back": [], "both_kept": [], "notes": []}
    monkeypatch.setattr(workspace.sessions.operations, "_usable_environment", lambda *_: "ready")
    monkeypatch.setattr(
        workspace.sessions.operations._checkouts,
        "run",
        lambda _place, _person, asked, *_: made.append(asked) or answer,
    )
    return made


def test_to_open_ones_fork_is_to_open_ones_copy_of_its_origin(workspace, forked):
    [mine] = workspace.sessions.mine(ADA)

    assert workspace.sessions.open(ADA, forked).id == mine.id
    assert workspace.sessions.copies.of(ADA, forked).project == PROJECT


def test_who_may_write_to_the_origin_opens_their_fork_for_itself(workspace, forge, forked):
    root = forge.client()
    [ada] = root.users.list(username="ada", get_all=False)
    member = root.projects.get(PROJECT).members.create({"user_id": ada.id, "access_level": 30})
    with pytest.raises(UnavailableError):  # JupyterHub's word on another session
        workspace.sessions.open(ADA, forked)
    member.delete()


@pytest.mark.parametrize("page", [PROJECT, "fork"])
def test_a_copy_gets_updates_of_the_project_it_comes_from(workspace, forked, asked, page):
    workspace.proposals.get_updates(ADA, forked if page == "fork" else page)

    assert asked[0]["origin"].endswith("/ada/sessions.git")
    assert asked[0]["upstream"].endswith("/tests/sessions.git")


def test_a_fork_that_was_opened_by_itself_gets_updates_too(workspace, forked, asked):
    with workspace.database.write() as session:
        session.execute(update(WorkSession).values(project=forked))
    workspace.proposals.get_updates(ADA, forked)

    assert asked[0]["upstream"].endswith("/tests/sessions.git")


def test_a_fork_is_proposed_from_the_page_of_its_origin(workspace, forked):
    with pytest.raises(ConflictError, match="Propose it to tests/sessions"):
        workspace.proposals.propose(ADA, forked, "Mine", "")


def test_opening_again_makes_a_fork_anew_that_was_removed_under_its_session(workspace, forge, running):
    fork = workspace.sessions.copies.fork(ADA, PROJECT)
    running(1)
    with workspace.database.write() as session:
        session.execute(update(WorkSession).values(project=PROJECT, server=server_name(PROJECT, "lab")))
        session.execute(update(WorkSession).values(checkout_of=fork, folder="projects/sessions"))
    forge.client().projects.delete(fork)
    assert workspace.forge.project(fork) is None
    [mine] = workspace.sessions.mine(ADA)
    again = workspace.sessions.open(ADA, PROJECT)

    assert (again.id, again.state) == (mine.id, "running")
    assert workspace.forge.project(fork) is not None
