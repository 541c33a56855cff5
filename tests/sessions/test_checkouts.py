"""A checkout is known again without running git on it, and its end is waited for without asking git."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from workspace_api.sessions.checkouts import holds_checkout
from workspace_api.sessions.routes import _appears

FOLDER = "projects/paper"


@pytest.fixture
def origin(tmp_path):
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "paper.git"], check=True)
    return str(tmp_path / "paper.git")


@pytest.fixture
def home(tmp_path, origin):
    """A home with a checkout of `origin`, as git makes it."""
    home = tmp_path / "home"
    (home / "projects").mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", origin, home / FOLDER], check=True, capture_output=True)
    return home


def test_what_git_cloned_is_known_by_its_origin(home, origin):
    assert holds_checkout(home, FOLDER, origin)
    assert not holds_checkout(home, FOLDER, f"{origin}.other")
    assert not holds_checkout(home, FOLDER, origin[:-1])


def test_another_remote_of_that_address_is_no_origin(home, origin):
    for arguments in (("rename", "origin", "mine"), ("add", "origin", f"{origin}.other")):
        subprocess.run(["git", "remote", *arguments], cwd=home / FOLDER, check=True)

    assert not holds_checkout(home, FOLDER, origin)


@pytest.mark.parametrize("what", ["the folder", "its .git", "its settings"])
def test_what_was_replaced_by_a_link_is_not_followed(home, origin, what):
    place = home / FOLDER / {"the folder": "", "its .git": ".git", "its settings": ".git/config"}[what]
    aside = place.parent / "aside"
    place.rename(aside)
    place.symlink_to(aside)

    assert not holds_checkout(home, FOLDER, origin)


def test_a_folder_that_is_gone_is_none(home, origin):
    (home / FOLDER).rename(home / "elsewhere")

    assert not holds_checkout(home, FOLDER, origin)


def test_the_spawner_is_answered_when_git_has_or_when_the_session_was_stopped(tmp_path):
    answer = tmp_path / "answer" / "answer.json"
    answer.parent.mkdir()

    async def while_waiting(happens) -> bool:
        waiting = asyncio.create_task(_appears(answer))
        await asyncio.sleep(0)
        happens()
        return await waiting

    assert asyncio.run(while_waiting(answer.touch))
    answer.unlink()
    assert not asyncio.run(while_waiting(answer.parent.rmdir))
