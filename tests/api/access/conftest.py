"""A workspace in which everything is somebody else's, and browsers that ask for it."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from httpx import Response
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.testclient import TestClient

from auth.identity import Identity, Level
from tests.conftest import free_port
from tests.forge.conftest import start_forge
from tests.landing.conftest import ADDRESS, Bench, application, png, settings_in
from tests.publishing import commit, notebook
from workspace_api.csrf import HEADER
from workspace_api.database import migrate, now
from workspace_api.imports.models import Import
from workspace_api.people.models import User
from workspace_api.sessions.models import SessionState, WorkSession
from workspace_api.workspace import Workspace, open_workspace

ZOE = Identity(user="zoe", level=Level.AUTHOR)
BOSS = Identity(user="boss", level=Level.DEVELOPER, admin=True)
PROJECT = "zoe/zoes-project"
GROUP = "zoes-group"
NOTEBOOK = "zoes.ipynb"
SESSION, IMPORT, SERVER = "5e55105e55", "1a9081a908", "l-zoes"
MANIFEST = f"""
title: Of Zoe
worksheets:
  - notebook: {NOTEBOOK}
    batch: {{table: variants, journal: journal}}
    parameters:
      variants: {{type: string, format: file}}
      journal: {{type: [string, "null"], format: file}}
"""
FILES = {
    NOTEBOOK: notebook(parameters='variants: str = "x.csv"\njournal: str | None = None'),
    "workspace.yaml": MANIFEST,
}
TABLE = {"table": ("zoes.csv", "chrom,pos,ref,alt\nchr22,36201698,A,C\n")}

# What could be there and is not, in the place of what is Zoe's.
ABSENT = {
    "/projects/{namespace}/{name}": "/projects/zoe/nothing",
    "/groups/{name}": "/groups/nobodys-group",
    "/people/{name}": "/people/nobody",
    "/quotas/{kind}/{name}/{measure}/{window}": "/quotas/person/nobody/calls/day",
    "/sharing/{group}": "/sharing/nobodys-group",
    "/environments/{key}": f"/environments/{'0' * 64}",
    "{user}": "nobody",
    "{server}": "l-nothing",
    "{token_id}": "999999",
    "{key_id}": "999999",
    "{password_id}": "999999",
    "{number}": "999999",
    **dict.fromkeys(("{run_id}", "{batch_id}", "{session_id}", "{import_id}"), "0" * 10),
    "{notebook:path}": "nothing.ipynb",
    "{picture:path}": "nothing.png",
    "{path:path}": "nothing.bed",
}


@dataclass(frozen=True)
class Place:
    """The application, and where in it Zoe's things are: a part of a route's path by what stands for it."""

    app: FastAPI
    parts: Mapping[str, str]

    @property
    def elsewhere(self) -> Place:
        """The same where nothing of it is there."""
        return Place(self.app, self.parts | ABSENT)

    def address(self, path: str) -> str:
        """Return the address of a route at what is Zoe's."""
        for part, filled in self.parts.items():
            path = path.replace(part, filled)
        assert "{" not in path, f"say in `parts_of` what of Zoe's belongs into {path}"
        return path

    def browser(self, name: str | None) -> TestClient:
        """Return a new browser of somebody, or of a visitor, that sends the token of its forms always."""
        browser = TestClient(self.app, base_url=ADDRESS, follow_redirects=False)
        kept, cookies = Answer(), self.app.state.cookies
        if name is None:
            cookies.keep_visitor(kept, visitor := cookies.new_visitor())
            binding = f"visitor {visitor}"
        else:
            cookies.start_session(kept, name)
            sent = kept.headers["set-cookie"].split(";")[0].encode()
            session = cookies.session(Request({"type": "http", "headers": [(b"cookie", sent)]}))
            binding = f"session {session.id}"
        key, _, value = kept.headers["set-cookie"].split(";")[0].partition("=")
        browser.cookies.set(key, value.strip('"'), domain="testserver.local", path="/")
        browser.headers[HEADER] = self.app.state.csrf.token(binding)
        return browser

    def ask(self, name: str | None, call: str, body: Any = None, query: Any = None) -> Response:
        """Ask for a call, such as `GET /groups/{name}`, in a new browser of somebody."""
        method, _, path = call.partition(" ")
        pages = {} if path.startswith("/api/") else {"Accept": "text/html"}
        sent = {"json": body} if path.startswith("/api/") else {"data": body}
        browser = self.browser(name)
        more = {**(sent if body else {}), **({"params": query} if query else {})}
        return browser.request(method, self.address(path), headers=pages, **more)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A workspace with Zoe's things, the administrator boss, and the end-user eve, who is in no group."""
    forge = start_forge(tmp_path_factory.mktemp("access") / "forge", free_port())
    home = tmp_path_factory.mktemp("access-home")
    settings = settings_in(home, forge.url)
    migrate(settings.database_url)
    workspace = open_workspace(settings)
    workspace.people.ensure_system_accounts()
    workspace.people.add("boss", level=Level.DEVELOPER, admin=True)
    workspace.people.add("zoe", level=Level.AUTHOR)
    workspace.people.add("eve", level=Level.END_USER)
    empty = Place(application(workspace), {})
    try:
        yield Place(empty.app, parts_of(workspace, empty, publish(empty, forge.client())))
    finally:
        workspace.close()
        forge.process.terminate()
        forge.process.wait(20)


def publish(place: Place, root: Any) -> int:
    """Make Zoe's private project on the forge with a proposal, and return the number of that."""
    wanted = {"name": PROJECT.partition("/")[2], "visibility": "private"}
    made = place.browser("zoe").post("/api/v1/projects", json=wanted)
    assert made.status_code == 201, made.text
    project = root.projects.get(PROJECT)
    present = {each["path"] for each in project.repository_tree(get_all=True)}
    for path in present & FILES.keys():
        project.files.delete(file_path=path, branch="main", commit_message="Make room")
    commit(project, FILES)
    picture = base64.b64encode(png(2, 2)).decode()
    added = {"file_path": "zoes.png", "content": picture, "encoding": "base64", "branch": "main"}
    project.files.create({**added, "commit_message": "A picture"})
    other = [{"action": "create", "file_path": "more.txt", "content": "more"}]
    project.commits.create(
        {"branch": "more", "start_branch": "main", "commit_message": "More", "actions": other}
    )
    wanted = {"source_branch": "more", "target_branch": "main", "title": "More of Zoe"}
    return int(project.mergerequests.create(wanted).iid)


def parts_of(workspace: Workspace, place: Place, number: int) -> dict[str, str]:
    """Make everything else of Zoe's, and return where it is."""
    zoe = place.browser("zoe")
    workspace.groups.create(ZOE, GROUP)
    run = workspace.runs.request(ZOE, PROJECT, NOTEBOOK, values={"variants": "x.csv"}, fresh=True).run.id
    Bench(workspace).finish(run, "zoe", {"zoes.bed": b"chr1\t1\t2\n"})
    keep_rows(workspace)
    asked = {"project": PROJECT, "notebook": NOTEBOOK}
    batch = zoe.post("/api/v1/batches", data=asked, files=TABLE).raise_for_status().json()["id"]
    line = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    key = zoe.post("/api/v1/keys", json={"title": "k", "key": line.decode()}).raise_for_status().json()
    password = zoe.post("/api/v1/git-passwords", json={"name": "p"}).raise_for_status().json()
    quota = {"kind": "person", "name": "zoe", "measure": "calls", "window": "day"}
    boss = place.browser("boss")
    boss.put(f"/api/v1/alphagenome/quotas/{'/'.join(quota.values())}", json={"amount": 7}).raise_for_status()
    boss.put(f"/api/v1/alphagenome/sharing/{GROUP}", json={"visitors": False}).raise_for_status()
    return {
        "/projects/{namespace}/{name}": f"/projects/{PROJECT}",
        "/groups/{name}": f"/groups/{GROUP}",
        "/people/{name}": "/people/zoe",
        "/quotas/{kind}/{name}/{measure}/{window}": f"/quotas/{'/'.join(quota.values())}",
        "/sharing/{group}": f"/sharing/{GROUP}",
        "/environments/{key}": f"/environments/{workspace.projects.snapshot(ZOE, PROJECT).environment_key}",
        "{user}": "zoe",
        "{server}": SERVER,
        "{rest:path}": "lab",
        "{token_id}": workspace.tokens.create("zoe", "laptop", frozenset({"api"})).token.id,
        "{key_id}": key["id"],
        "{password_id}": password["id"],
        "{number}": str(number),
        "{run_id}": run,
        "{batch_id}": batch,
        "{session_id}": SESSION,
        "{import_id}": IMPORT,
        "{notebook:path}": NOTEBOOK,
        "{picture:path}": "zoes.png",
        "{path:path}": "zoes.bed",
        "{what}": "save",
        "{assembly}": "hg38",
        "/static/{name:path}": "/static/mark.svg",
    }


def keep_rows(workspace: Workspace) -> None:
    """Note a session of Zoe's that has ended, and a repository from elsewhere that she has a copy of."""
    with workspace.database.write() as session:
        zoe = session.scalars(select(User).where(User.name == "zoe")).one()
        ended = {"state": SessionState.STOPPED, "opened_at": now(), "ended_at": now() + dt.timedelta(hours=1)}
        about = {"project": PROJECT, "checkout_of": PROJECT, "folder": "projects/zoes-project", "kind": "lab"}
        session.add(WorkSession(id=SESSION, owner=zoe, server=SERVER, **about, **ended))
        copied = {"source": "https://example.org/zoe/x", "fetched": "https://example.org/zoe/x"}
        session.add(
            Import(id=IMPORT, owner=zoe, project=PROJECT, visibility="private", requested_at=now(), **copied)
        )
