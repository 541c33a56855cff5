"""A workspace over a real database in a temporary folder, and clients of its web application."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from auth.identity import Level
from workspace_api.app import create_app
from workspace_api.database import migrate
from workspace_api.settings import HubSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

PASSWORD = "correct horse battery"
HUB_SECRET = "what the hub proves itself with"
ADDRESS = "http://testserver"


def settings_in(home: Path, **more) -> Settings:
    """Return the settings of a workspace in `home` that has no hub and no forge."""
    values = {
        "home": home,
        "public_url": ADDRESS,
        "database_url": f"sqlite:///{home / 'database.sqlite'}",
        "secret_key": SecretStr("a key for tests"),
        "hub": HubSettings(authenticator_token=SecretStr(HUB_SECRET)),
    }
    return Settings(**{**values, **more})


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., Settings]:
    """Makes the settings of a workspace in a folder; what is named replaces the rest."""
    return settings_in


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a workspace with an administrator, an author and an end-user, made once."""
    home = tmp_path_factory.mktemp("settled")
    settings = settings_in(home)
    migrate(settings.database_url)
    workspace = open_workspace(settings)
    people = workspace.people
    people.ensure_system_accounts()
    people.add("ada", password=PASSWORD, display_name="Ada L.", level=Level.DEVELOPER, admin=True)
    people.add("ben", password=PASSWORD, level=Level.AUTHOR)
    people.add("eve", password=PASSWORD, level=Level.END_USER)
    workspace.close()
    return home


@pytest.fixture
def home(tmp_path: Path, settled_home: Path) -> Path:
    """A state folder of one's own, with the people of the settled one."""
    return shutil.copytree(settled_home, tmp_path / "home")


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    """A workspace with the administrator ada, the author ben and the end-user eve."""
    workspace = open_workspace(settings_in(home))
    yield workspace
    workspace.close()


@pytest.fixture
def app(workspace: Workspace) -> FastAPI:
    """The web application of the workspace."""
    return create_app(workspace)


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    """A browser without an account."""
    return TestClient(app, base_url=ADDRESS)


class Clients:
    """Makes clients that send a person's token."""

    def __init__(self, app: FastAPI, workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace

    def __call__(self, name: str, *scopes: str) -> TestClient:
        """Return a client with a fresh token of `name`, with the scope `api` unless others are named."""
        new = self._workspace.tokens.create(name, "test", frozenset(scopes or ("api",)))
        return TestClient(self._app, base_url=ADDRESS, headers={"Authorization": f"Bearer {new.secret}"})


@pytest.fixture
def client_of(app: FastAPI, workspace: Workspace) -> Clients:
    """Clients with personal tokens."""
    return Clients(app, workspace)
