"""Pages over a real database, a real forge and real result files; nothing computes."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import update
from starlette.responses import Response
from starlette.testclient import TestClient

from auth.identity import Identity, Level
from landing.app import add_pages, render_problem
from tests.conftest import CHECKOUT, free_port, wait_for
from tests.forge.conftest import ROOT_TOKEN, start_forge
from tests.publishing import commit
from workspace_api.app import create_app
from workspace_api.database import migrate, now
from workspace_api.environments.models import Environment
from workspace_api.projects.seeding import seed_template
from workspace_api.runs.models import Run, RunState
from workspace_api.settings import ForgeSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

ADDRESS = "http://testserver"
PROJECT = "genomics/alphagenome"
NOTEBOOK = "02_variant_analysis.ipynb"
WORKSHEET = f"/projects/{PROJECT}/worksheets/{NOTEBOOK}"
ADMIN = Identity(user="ada", level=Level.DEVELOPER, admin=True)
VARIANT = "chr22:36201698:A>C"


def settings_in(home: Path, forge_url: str, **more: Any) -> Settings:
    """Return the settings of a workspace in `home` on the forge at `forge_url`."""
    values = {
        "home": home,
        "public_url": ADDRESS,
        "database_url": f"sqlite:///{home / 'database.sqlite'}",
        "secret_key": SecretStr("a key for tests"),
        "forge": ForgeSettings(url=forge_url, token=SecretStr(ROOT_TOKEN)),
        "version": "0.1.0",
    }
    return Settings(**{**values, **more})


@dataclass(frozen=True)
class Seeded:
    """A state folder with a curated project, and the forge that holds it."""

    home: Path
    forge_url: str


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """A workspace with the administrator ada, the end-user eve and the curated project, made once."""
    port = free_port()  # it may import from itself, under an address that is not the workspace's own
    more = ("--import-host", f"http://127.0.0.1:{port}")
    forge = start_forge(tmp_path_factory.mktemp("forge") / "home", port, more=more)
    home = tmp_path_factory.mktemp("seeded")
    settings = settings_in(home, forge.url)
    migrate(settings.database_url)
    workspace = open_workspace(settings)
    workspace.people.ensure_system_accounts()
    workspace.people.add("ada", password="correct horse battery", level=Level.DEVELOPER, admin=True)
    workspace.people.add("eve", password="correct horse battery", level=Level.END_USER)
    seed_template(
        workspace.forge,
        workspace.projects,
        ADMIN,
        template=CHECKOUT / "repo_templates" / "alphagenome",
        path=PROJECT,
        area="Regulatory genomics",
    )
    workspace.close()
    yield Seeded(home, forge.url)
    forge.process.terminate()
    forge.process.wait(20)


@pytest.fixture
def make_workspace(tmp_path: Path, seeded: Seeded) -> Iterator[Callable[..., Workspace]]:
    """Opens the seeded workspace in a folder of one's own, with other settings where they are named."""
    opened: list[Workspace] = []
    home = shutil.copytree(seeded.home, tmp_path / "home")

    def make(**more: Any) -> Workspace:
        workspace = open_workspace(settings_in(home, seeded.forge_url, **more))
        opened.append(workspace)
        return workspace

    yield make
    for workspace in opened:
        workspace.close()


@pytest.fixture
def workspace(make_workspace: Callable[..., Workspace]) -> Workspace:
    """The seeded workspace."""
    return make_workspace()


def application(workspace: Workspace) -> FastAPI:
    """Return the web application of a workspace with its pages, which remember nothing."""
    app = create_app(workspace, render_problem=render_problem)
    add_pages(app, workspace, CHECKOUT / "node_modules", remembered_seconds=0)
    return app


@pytest.fixture
def app(workspace: Workspace) -> FastAPI:
    """The web application with its pages."""
    return application(workspace)


def browser_of(app: FastAPI) -> TestClient:
    """Return a new browser, which asks for pages and follows no redirect by itself."""
    return TestClient(app, base_url=ADDRESS, headers={"Accept": "text/html"}, follow_redirects=False)


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    """A browser without an account."""
    return browser_of(app)


def signed_in(app: FastAPI, name: str) -> TestClient:
    """Return a new browser in which somebody is signed in."""
    browser = browser_of(app)
    response = Response()
    app.state.cookies.start_session(response, name)
    key, _, value = response.headers["set-cookie"].split(";")[0].partition("=")
    browser.cookies.set(key, value.strip('"'), domain="testserver.local", path="/")
    return browser


@pytest.fixture
def sign_in(app: FastAPI) -> Callable[[str], TestClient]:
    """Gives a browser in which somebody is signed in."""
    return lambda name: signed_in(app, name)


@pytest.fixture
def eve(sign_in: Callable[[str], TestClient]) -> TestClient:
    """The browser of the end-user eve."""
    return sign_in("eve")


def png(width: int = 900, height: int = 420) -> bytes:
    """Return a picture with something on it."""
    picture = Image.new("RGB", (width, height), "white")
    for x in range(width):
        picture.putpixel((x, (x * x // 97) % height), (11, 107, 93))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


class Bench:
    """Brings runs to where a worker would bring them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def ask(self, identity: Identity, **values: Any) -> str:
        """Ask for a run of the worksheet, and return its id."""
        asked = self.workspace.runs.request(
            identity, PROJECT, NOTEBOOK, values={"variant": VARIANT, **values}, fresh=True
        )
        return asked.run.id

    def example(self) -> str:
        """Make the workspace's own example of the worksheet, finished, and return its id."""
        asked = self.workspace.runs.request_example(PROJECT, NOTEBOOK, values={"variant": VARIANT})
        self.finish(asked.run.id, "labfork")
        return asked.run.id

    def change(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        with self.workspace.database.write() as session:
            session.execute(update(Run).where(Run.id == run_id).values(**values))

    def running(self, run_id: str, cell: int = 6, cells: int = 11, step: str = "Scoring the variant") -> None:
        """Let a run be under way."""
        self.change(
            run_id, state=RunState.RUNNING, cell=cell, cells=cells, step=step, started_at=now(), attempt=1
        )

    def finish(self, run_id: str, owner: str, files: dict[str, bytes] | None = None) -> None:
        """Let a run succeed after 12 seconds with a report, a notebook with a picture, and `files`."""
        began = now() - dt.timedelta(seconds=30)
        self.change(
            run_id,
            state=RunState.SUCCEEDED,
            cell=11,
            cells=11,
            attempt=1,
            started_at=began,
            finished_at=began + dt.timedelta(seconds=12),
            peak_memory_bytes=312_000_000,
        )
        folder = self.workspace.layout.home(owner) / "runs" / run_id
        shown = {"data": {"image/png": base64.b64encode(png()).decode()}, "output_type": "display_data"}
        notebook = json.dumps({"cells": [{"cell_type": "code", "source": "", "outputs": [shown]}]})
        made = {
            "report.html": b"<!doctype html><title>Report</title><h1>Report</h1>",
            "notebook.ipynb": notebook.encode(),
            "log.txt": b"cell 1\ncell 2\n",
            "ro-crate-metadata.json": b"{}",
            **(files or {}),
        }
        for path, data in made.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def fail(self, run_id: str, error: str) -> None:
        """Let a run fail in its third cell."""
        self.change(
            run_id,
            state=RunState.FAILED,
            cell=3,
            cells=11,
            step="Reading the variant",
            error=error,
            started_at=now(),
            finished_at=now(),
        )

    def environment(self, key: str | None = None, **values: Any) -> None:
        """Set columns of an environment, of every one without a `key`."""
        changed = update(Environment).values(**values)
        with self.workspace.database.write() as session:
            session.execute(changed if key is None else changed.where(Environment.key == key))


@pytest.fixture
def bench(workspace: Workspace) -> Bench:
    """Brings runs of the seeded workspace to where a worker would."""
    return Bench(workspace)


@dataclass(frozen=True)
class House:
    """One workspace for many tests: each makes people, projects and runs of its own in it."""

    workspace: Workspace
    app: FastAPI
    bench: Bench

    def visitor(self) -> TestClient:
        """Return the browser of somebody without an account."""
        return browser_of(self.app)

    def person(self, level: Level = Level.END_USER, *, admin: bool = False) -> tuple[Identity, TestClient]:
        """Make somebody, and return who it is and their browser."""
        name = "p" + os.urandom(4).hex()
        self.workspace.people.add(name, level=level, admin=admin)
        return Identity(user=name, level=level, admin=admin), signed_in(self.app, name)

    def publish(self, files: Mapping[str, str], *, visibility: str = "public") -> str:
        """Make a project of `files` on the forge, with an environment of its own, and return its path."""
        settings = self.workspace.settings.forge
        root = gitlab.Gitlab(
            settings.url, private_token=settings.token.get_secret_value(), keep_base_url=True
        )
        name = "p" + os.urandom(4).hex()
        group = root.groups.get(PROJECT.partition("/")[0])
        made = root.projects.create({"name": name, "namespace_id": group.id, "visibility": visibility})
        commit(made, {"requirements.txt": f"# {name}\n", **files})
        return str(made.path_with_namespace)

    def key_of(self, path: str) -> str:
        """Return the key of a project's environment."""
        return self.workspace.projects.snapshot(ADMIN, path).environment_key


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, seeded: Seeded) -> Iterator[House]:
    """The seeded workspace, shared."""
    home = shutil.copytree(seeded.home, tmp_path_factory.mktemp("house") / "home")
    workspace = open_workspace(settings_in(home, seeded.forge_url))
    yield House(workspace, application(workspace), Bench(workspace))
    workspace.close()


@pytest.fixture(scope="module")
def address(house) -> Iterator[str]:
    """The pages, served to browsers."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(house.app, port=port, log_level="error", loop="asyncio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, seconds=20, what="the pages")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def token_in(html: str) -> str:
    """Return the token that the forms of a page carry."""
    return html.split('name="csrf" value="', 1)[1].split('"', 1)[0]
