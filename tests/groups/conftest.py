"""A workspace with people on a real forge; tests share the forge, each has its own database and storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import Response
from starlette.testclient import TestClient

from auth.identity import Identity, Level
from landing.app import add_pages, render_problem
from tests.conftest import CHECKOUT, free_port
from tests.databases import make_database
from tests.forge.conftest import ROOT_TOKEN, RunningForge, start_forge
from workspace_api.app import create_app
from workspace_api.settings import ForgeSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

ADDRESS = "http://testserver"
ADA = Identity(user="ada", level=Level.AUTHOR)
BEN = Identity(user="ben", level=Level.AUTHOR)
EVE = Identity(user="eve", level=Level.END_USER)
BOSS = Identity(user="boss", level=Level.END_USER, admin=True)
VISITOR = Identity(visitor="a browser")


@dataclass
class Place:
    """A workspace and its forge, with what tests ask of both."""

    workspace: Workspace
    forge: RunningForge

    @property
    def groups(self):
        """The service under test."""
        return self.workspace.groups

    def make(self, admin: str = "ada") -> str:
        """Make a group whose admin is `admin`, and return its name."""
        name = new_name()
        self.groups.add(name, admin=admin)
        return name

    def levels(self, name: str) -> dict[str, int]:
        """Return who is a member of a group on the forge, without the workspace's own user."""
        members = self.forge.client().groups.get(name).members.list(get_all=True)
        return {member.username: member.access_level for member in members if member.username != "root"}

    def roles(self, name: str) -> dict[str, str]:
        """Return who is a member of a group here."""
        return {member.name: str(member.role) for member in self.groups.members(BOSS, name, 1, 100).items}

    def project(self, group: str) -> str:
        """Make a project in a group on the forge, and return its path."""
        root = self.forge.client()
        root.projects.create({"name": "held", "namespace_id": root.groups.get(group).id})
        return f"{group}/held"


def new_name() -> str:
    """Return a name that no group has."""
    return "g" + os.urandom(5).hex()


def place_in(home: Path, forge: RunningForge) -> Place:
    """Make a workspace with the authors ada and ben, the end-user eve and the administrator boss."""
    settings = Settings(
        home=home,
        public_url=ADDRESS,
        database_url=f"sqlite:///{home / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        forge=ForgeSettings(url=forge.url, token=SecretStr(ROOT_TOKEN)),
    )
    home.mkdir()
    make_database(settings.database_url)
    workspace = open_workspace(settings)
    workspace.people.ensure_system_accounts()
    for name, level, admin in (
        ("ada", Level.AUTHOR, False),
        ("ben", Level.AUTHOR, False),
        ("eve", Level.END_USER, False),
        ("boss", Level.END_USER, True),
    ):
        workspace.people.add(name, display_name=f"{name.title()} L.", level=level, admin=admin)
    return Place(workspace, forge)


@pytest.fixture(scope="session")
def groups_forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningForge]:
    """A forge that stays up."""
    running = start_forge(tmp_path_factory.mktemp("groups") / "forge", free_port())
    yield running
    running.process.terminate()
    running.process.wait(20)


@pytest.fixture
def place(tmp_path: Path, groups_forge: RunningForge) -> Iterator[Place]:
    """A workspace of one's own on the shared forge."""
    place = place_in(tmp_path / "home", groups_forge)
    yield place
    place.workspace.close()


@pytest.fixture
def app(place: Place) -> FastAPI:
    """The web application with its pages."""
    app = create_app(place.workspace, render_problem=render_problem)
    add_pages(app, place.workspace, CHECKOUT / "node_modules", remembered_seconds=0)
    return app


@pytest.fixture
def client_of(app: FastAPI, place: Place) -> Callable[..., TestClient]:
    """Gives a client with a personal token of somebody."""

    def make(name: str, *scopes: str) -> TestClient:
        new = place.workspace.tokens.create(name, "test", frozenset(scopes or ("api",)))
        return TestClient(app, base_url=ADDRESS, headers={"Authorization": f"Bearer {new.secret}"})

    return make


class Browser(TestClient):
    """A browser in which somebody is signed in; it follows redirects."""

    def submit(self, page: str, address: str, **values: str):
        """Send a form that is on `page` to `address`, with the token that the page's forms carry."""
        html = self.get(page).text
        assert f'action="{address}"' in html
        token = html.split('name="csrf" value="', 1)[1].split('"', 1)[0]
        return self.post(address, data={"csrf": token, **values}, headers={"Origin": ADDRESS})


@pytest.fixture
def sign_in(app: FastAPI) -> Callable[[str], Browser]:
    """Gives a browser in which somebody is signed in."""

    def make(name: str) -> Browser:
        browser = Browser(app, base_url=ADDRESS, headers={"Accept": "text/html"})
        response = Response()
        app.state.cookies.start_session(response, name)
        key, _, value = response.headers["set-cookie"].split(";")[0].partition("=")
        browser.cookies.set(key, value.strip('"'))
        return browser

    return make
