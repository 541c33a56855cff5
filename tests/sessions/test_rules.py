"""Who may open a session, what is refused and why; the sessions themselves are in tests/workspace."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient

from auth.identity import Identity, Level
from tests.conftest import free_port
from tests.forge.conftest import ROOT_TOKEN, start_forge
from tests.publishing import commit, notebook
from workspace_api.app import create_app
from workspace_api.database import migrate, now
from workspace_api.errors import (
    ForbiddenError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    NotSignedInError,
    UnavailableError,
)
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.sessions.service import server_name
from workspace_api.settings import ForgeSettings, HubSettings, SessionSettings, Settings
from workspace_api.workspace import open_workspace

ADA = Identity(user="ada", level=Level.AUTHOR)
EVE = Identity(user="eve", level=Level.END_USER)
PROJECT = "tests/sessions"


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    """A forge with one public project and one that is its members' alone."""
    running = start_forge(tmp_path_factory.mktemp("forge"), free_port())
    client = running.client()
    group = client.groups.create({"name": "tests", "path": "tests", "visibility": "public"})
    for name, visibility in (("sessions", "public"), ("secret", "private")):
        made = client.projects.create({"name": name, "namespace_id": group.id, "visibility": visibility})
        commit(made, {"requirements.txt": "", "a.ipynb": notebook("n")})
    yield running
    running.process.terminate()
    running.process.wait(20)


@pytest.fixture
def workspace(tmp_path, forge):
    """A workspace whose JupyterHub does not answer."""
    settings = Settings(
        home=tmp_path / "home",
        public_url="http://testserver",
        database_url=f"sqlite:///{tmp_path / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        forge=ForgeSettings(url=forge.url, token=SecretStr(ROOT_TOKEN)),
        hub=HubSettings(
            api_url=f"http://127.0.0.1:{free_port()}/hub/api",
            token=SecretStr("web"),
            authenticator_token=SecretStr("hub"),
        ),
        sessions=SessionSettings(per_person=2, at_once=3),
    )
    settings.home.mkdir()
    migrate(settings.database_url)
    opened = open_workspace(settings)
    for name, level in (("ada", Level.AUTHOR), ("eve", Level.END_USER)):
        opened.people.add(name, level=level)
    yield opened
    opened.close()


@pytest.fixture
def running(workspace):
    """Makes sessions that run, as far as the table knows."""

    def make(count: int, user: str = "ada") -> None:
        for number in range(count):
            with workspace.database.write() as session:
                owner = session.scalars(select(User).where(User.name == user)).one()
                session.add(
                    WorkSession(
                        id=f"{user.encode().hex()}{number:04x}",
                        owner=owner,
                        project=f"tests/p{number}",
                        kind="lab",
                        server=f"l-p{number}",
                        state=SessionState.RUNNING,
                        opened_at=now(),
                    )
                )

    return make


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


def test_the_limits_of_a_person_and_of_the_machine_say_what_to_do(workspace, running):
    running(2)
    with pytest.raises(LimitReachedError, match=r"You have 2 sessions open.*Stop one"):
        workspace.sessions.open(ADA, PROJECT)
    running(1, user="eve")
    with pytest.raises(LimitReachedError, match="All 3 places of this machine are taken"):
        workspace.sessions.open(EVE, PROJECT, "worksheet")


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
    body = {"user": "ada", "server": "x", **({"reason": "exited"} if question == "ended" else {})}
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
