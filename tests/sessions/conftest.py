"""A workspace on a real forge whose JupyterHub does not answer, with sessions as far as its table knows."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from auth.identity import Identity, Level
from tests.conftest import free_port
from tests.databases import make_database
from tests.forge.conftest import ROOT_TOKEN, start_forge
from tests.publishing import commit, notebook
from workspace_api.database import now
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.settings import ForgeSettings, HubSettings, SessionSettings, Settings
from workspace_api.workspace import open_workspace

ADA = Identity(user="ada", level=Level.AUTHOR)
EVE = Identity(user="eve", level=Level.END_USER)
PROJECT = "tests/sessions"


@pytest.fixture(scope="session")
def forge(tmp_path_factory):
    """A forge with one public project and one that is its members' alone."""
    running = start_forge(tmp_path_factory.mktemp("forge"), free_port())
    client = running.client()
    group = client.groups.create({"name": "tests", "path": "tests", "visibility": "public"})
    for name, visibility in (("sessions", "public"), ("other", "public"), ("secret", "private")):
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
        sessions=SessionSettings(per_person=2, at_once=3, waiting_per_person=2),
    )
    settings.home.mkdir()
    make_database(settings.database_url)
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
