"""A workspace and a real forge of its own, and small projects on it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
from pydantic import SecretStr
from sqlalchemy import update

from auth.identity import Identity, Level
from tests.conftest import free_port
from tests.databases import make_database
from tests.forge.conftest import ROOT_TOKEN, RunningForge, start_forge
from tests.publishing import commit
from workspace_api.database import now
from workspace_api.projects.models import Project
from workspace_api.projects.seeding import seed_template
from workspace_api.settings import ForgeSettings, Settings
from workspace_api.workspace import Workspace, open_workspace

ADA = Identity(user="ada", level=Level.DEVELOPER)
ADMIN = Identity(user="root-ada", level=Level.DEVELOPER, admin=True)
VISITOR = Identity(visitor="a browser")


@dataclass
class Shelf:
    """A workspace and its forge, with what tests do to them."""

    workspace: Workspace
    running: RunningForge
    group: str

    @property
    def root(self) -> gitlab.Gitlab:
        """The forge's administrator."""
        return self.running.client()

    def on_forge(self, path: str) -> Any:
        """Return a project as python-gitlab has it."""
        return self.root.projects.get(path)

    def publish(self, files: Mapping[str, str], *, visibility: str = "public") -> str:
        """Make a project of `files` on the forge, and return its path; without files it has no commit."""
        name = "p" + os.urandom(4).hex()
        made = self.root.projects.create(
            {"name": name, "namespace_id": self.root.groups.get(self.group).id, "visibility": visibility}
        )
        if files:
            commit(made, files)
        return f"{self.group}/{name}"

    def change(
        self, path: str, files: Mapping[str, str], *, action: str = "update", branch: str = "main"
    ) -> str:
        """Commit other contents of `files` to a project, and return the commit."""
        actions = [{"action": action, "file_path": name, "content": text} for name, text in files.items()]
        made = self.on_forge(path).commits.create(
            {"branch": branch, "start_branch": "main", "commit_message": "Change", "actions": actions}
        )
        return str(made.id)

    def tag(self, path: str, name: str, ref: str = "main") -> str:
        """Save a version, and return its commit."""
        tag = self.on_forge(path).tags.create(
            {"tag_name": name, "ref": ref, "message": f"The message of {name}"}
        )
        return str(tag.commit["id"])

    def head(self, path: str) -> str:
        """Return the newest commit of the main branch."""
        return str(self.on_forge(path).commits.get("main").id)

    def let_a_minute_pass(self, path: str) -> None:
        """Make the workspace believe that it saw a project a minute ago."""
        namespace, _, name = path.rpartition("/")
        with self.workspace.database.write() as session:
            session.execute(
                update(Project)
                .where(Project.namespace == namespace, Project.name == name)
                .values(seen_at=now() - dt.timedelta(minutes=1))
            )

    def seed(self, template: Path, path: str, area: str = "Genomics") -> str | None:
        """Seed a template as the workspace does, and return the version that was made."""
        return seed_template(
            self.workspace.forge, self.workspace.projects, ADMIN, template=template, path=path, area=area
        )


def open_shelf(folder: Path, running: RunningForge) -> Shelf:
    """Open a workspace in `folder` that has its projects on a running forge."""
    settings = Settings(
        home=folder / "home",
        public_url="http://labfork.test",
        database_url=f"sqlite:///{folder / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        forge=ForgeSettings(url=running.url, token=SecretStr(ROOT_TOKEN)),
    )
    settings.home.mkdir(parents=True)
    make_database(settings.database_url)
    workspace = open_workspace(settings)
    workspace.people.ensure_system_accounts()
    for name in ("ada", "root-ada"):
        workspace.people.add(name, admin=name == ADMIN.user)
    group = "g" + os.urandom(4).hex()
    running.client().groups.create({"name": group, "path": group, "visibility": "public"})
    return Shelf(workspace, running, group)


def stop(running: RunningForge) -> None:
    """End a forge and wait until it is gone."""
    running.process.terminate()
    running.process.wait(20)


@pytest.fixture(scope="session")
def projects_forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningForge]:
    """A forge that these tests share."""
    running = start_forge(tmp_path_factory.mktemp("projects") / "forge", free_port())
    yield running
    stop(running)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, projects_forge: RunningForge) -> Iterator[Shelf]:
    """A workspace that the tests of a module share; each makes its own projects."""
    opened = open_shelf(tmp_path_factory.mktemp("shelf"), projects_forge)
    yield opened
    opened.workspace.close()


@pytest.fixture
def template(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of files, from paths and texts."""

    def make(files: Mapping[str, str], name: str = "template") -> Path:
        folder = tmp_path / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    return make
