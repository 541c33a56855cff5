"""A real forge on a free port, in a temporary folder, and a real server that its webhooks reach."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gitlab
import httpx
import pytest

from tests.conftest import CHECKOUT, free_port, wait_for

ROOT_TOKEN = "glpat-root-of-the-tests"


@dataclass
class RunningForge:
    """A forge process and how to talk to it."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/git"

    def client(self, token: str | None = ROOT_TOKEN) -> gitlab.Gitlab:
        return gitlab.Gitlab(self.url, private_token=token, keep_base_url=True)

    def git(self, *arguments: str, cwd: Path, token: str | None = None, check: bool = True):
        """Run git as somebody who has `token`; the credential goes through the environment."""
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        if token:
            basic = base64.b64encode(f"oauth2:{token}".encode()).decode()
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )


def start_forge(home: Path, port: int, token: str = ROOT_TOKEN, more: tuple[str, ...] = ()) -> RunningForge:
    token_file = home.parent / f"{home.name}.token"
    token_file.write_text(token)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "deploy.forge", "--home", str(home), "--port", str(port)),
            *("--external-url", f"http://127.0.0.1:{port}/git", "--root-token-file", str(token_file)),
            *more,
        ],
        cwd=CHECKOUT,
    )
    forge = RunningForge(home, port, process)
    wait_for(lambda: httpx.get(forge.url + "/-/health").status_code == 200, seconds=60, what="the forge")
    return forge


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningForge]:
    running = start_forge(tmp_path_factory.mktemp("forge") / "home", free_port())
    yield running
    running.process.terminate()
    running.process.wait(20)


@pytest.fixture
def root(forge: RunningForge) -> gitlab.Gitlab:
    return forge.client()


@pytest.fixture
def person(root):
    """Make a user with a token; returns their user and a client."""
    number = iter(range(1000))

    def make(prefix: str = "person", scopes=("api",)):
        name = f"{prefix}-{os.urandom(3).hex()}-{next(number)}"
        user = root.users.create(
            {
                "username": name,
                "name": name.title(),
                "email": f"{name}@example.org",
                "force_random_password": True,
            }
        )
        token = user.impersonationtokens.create({"name": "test", "scopes": list(scopes)})
        return user, token.token

    return make


@pytest.fixture
def project(root):
    """Make a project in a group of its own, of the visibility that is asked for."""

    def make(visibility: str = "private", files: dict[str, str] | None = None):
        name = "p" + os.urandom(4).hex()
        group = root.groups.create({"name": name, "path": name, "visibility": "public"})
        made = root.projects.create({"name": "thing", "namespace_id": group.id, "visibility": visibility})
        if files is not None:
            actions = [{"action": "create", "file_path": p, "content": c} for p, c in files.items()]
            made.commits.create({"branch": "main", "commit_message": "First", "actions": actions})
        return root.projects.get(made.id)

    return make


@pytest.fixture
def member(forge, person):
    """Make a user who has a level in a project; returns them and their client."""

    def make(of, level: int):
        user, token = person()
        of.members.create({"user_id": user.id, "access_level": level})
        return user, forge.client(token)

    return make


class Receiver(ThreadingHTTPServer):
    """Takes events as a hook's owner does; `refusals` is how many it answers with 500 first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.events: list[tuple[dict[str, str], dict]] = []
        self.refusals = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/told"

    def bodies(self, kind: str) -> list[dict]:
        return [body for _, body in self.events if body["object_kind"] == kind]


class _Take(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.events.append((dict(self.headers), body))
        refused, self.server.refusals = self.server.refusals > 0, max(0, self.server.refusals - 1)
        self.send_response(500 if refused else 200)
        self.end_headers()

    def log_message(self, *_arguments) -> None:
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    thread = threading.Thread(target=running.serve_forever, args=[0.02])
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()
