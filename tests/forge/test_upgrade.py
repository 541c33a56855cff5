"""Databases of other versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from deploy.forge.models import SCHEMA_VERSION, Database
from tests.conftest import free_port
from tests.forge.conftest import start_forge
from tests.forge.test_merge_requests import propose, put

VERSION_1 = Path(__file__).with_name("version_1.sql")


def test_a_database_of_version_1_is_brought_up_to_date_with_everything_in_it(tmp_path, forge, receiver):
    home = tmp_path / "home"
    repository = home / "repositories" / "1.git"
    repository.mkdir(parents=True)
    with sqlite3.connect(home / "forge.sqlite") as database:
        database.executescript(VERSION_1.read_text())
    forge.git("init", "--quiet", "--bare", "--initial-branch=main", cwd=repository)
    tree = forge.git("mktree", cwd=repository).stdout.strip()
    tip = forge.git("commit-tree", "-m", "First", tree, cwd=repository).stdout.strip()
    forge.git("update-ref", "refs/heads/main", tip, cwd=repository)

    for _ in range(2):  # the second start finds the work done
        upgraded = start_forge(home, free_port())
        try:
            root = upgraded.client()
            made = root.projects.get("genomics/alphagenome")
            assert (made.visibility, made.topics, made.commits.get("main").id) == ("private", ["rna"], tip)
            assert [m.username for m in made.members.list(get_all=True)] == ["ada"]
            if not made.hooks.list(get_all=True):
                made.hooks.create({"url": receiver.url})
                put(made, "idea", "a.txt", "1", action="create", start_branch="main")
                assert propose(made).detailed_merge_status == "mergeable"
                assert root.projects.get(made.forks.create({}).id).forked_from_project["id"] == made.id
        finally:
            upgraded.process.terminate()
            upgraded.process.wait(20)

    assert {body["ref"] for body in receiver.bodies("push")} <= {"refs/heads/idea"}
    with sqlite3.connect(home / "forge.sqlite") as database:
        assert database.execute("SELECT version FROM schema_version").fetchall() == [(SCHEMA_VERSION,)]


def test_an_upgraded_database_has_the_columns_of_a_new_one(tmp_path):
    shapes = []
    for name, script in (("old", VERSION_1.read_text()), ("new", "")):
        file = tmp_path / name
        with sqlite3.connect(file) as database:
            database.executescript(script)
        Database(f"sqlite:///{file}").prepare()
        with sqlite3.connect(file) as database:
            tables = [
                row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            shapes.append(
                {t: {row[1:4] for row in database.execute(f"PRAGMA table_info({t})")} for t in tables}
            )

    assert shapes[0] == shapes[1]


def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    file = tmp_path / "forge.sqlite"
    with sqlite3.connect(file) as database:
        database.executescript(VERSION_1.read_text())
        database.execute("UPDATE schema_version SET version = 99")
    before = "\n".join(sqlite3.connect(file).iterdump())

    with pytest.raises(RuntimeError, match="version 99"):
        Database(f"sqlite:///{file}").prepare()
    assert "\n".join(sqlite3.connect(file).iterdump()) == before
