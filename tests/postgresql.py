"""A PostgreSQL of the tests' own, where the machine has one: for what several servers share."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

from tests.conftest import wait_for
from workspace_api.database import migrate

INSTALLED = Path("/usr/lib/postgresql")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
NOT_ROOT = "nobody"  # PostgreSQL refuses to run as root


def _program(name: str) -> str | None:
    debians = sorted(INSTALLED.glob(f"*/bin/{name}"))
    return str(debians[-1]) if debians else shutil.which(name)


@contextmanager
def running() -> Iterator[str]:
    """Run a new PostgreSQL while the block lasts, and give the address of its empty database."""
    initdb, postgres = _program("initdb"), _program("postgres")
    assert initdb, "looked for before"
    assert postgres
    user = pwd.getpwnam(NOT_ROOT) if os.geteuid() == 0 else None
    person = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with tempfile.TemporaryDirectory() as name:  # a socket's path is short
        folder = Path(name)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        made = [initdb, "-D", str(data), "-U", "labfork", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, cwd=folder, check=True, stdout=subprocess.DEVNULL, **person)
        settings = [word for each in QUICK for word in ("-c", each)]
        server = subprocess.Popen(
            [postgres, "-D", str(data), "-k", str(folder), "-h", "", *settings],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **person,
        )
        try:
            url = f"postgresql+psycopg://labfork@/postgres?host={folder}"
            wait_for(lambda: _answers(url), what="PostgreSQL")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # which ends connections too
            server.wait(30)


def _answers(url: str) -> bool:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect():
            return True
    except sqlalchemy.exc.OperationalError:
        return False
    finally:
        engine.dispose()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The address of a database of the newest schema without rows, on a PostgreSQL of its own."""
    if _program("postgres") is None:
        pytest.skip("this machine has no PostgreSQL")
    with running() as url:
        migrate(url)
        yield url
