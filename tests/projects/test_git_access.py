"""Git from one's own machine: passwords by real git, and keys that the forge keeps."""

from __future__ import annotations

import os
import subprocess

import pytest

from auth.identity import ANONYMOUS, Identity, Level
from tests.keys.test_checks import PUBLIC
from workspace_api.errors import InvalidInputError, NotFoundError, NotSignedInError

ADA = Identity(user="ada", level=Level.DEVELOPER)
OTHER = Identity(user="root-ada", level=Level.DEVELOPER)


@pytest.fixture
def git(tmp_path):
    """git as on somebody's own machine; it is given a user name and a password as it asks for them."""
    ask = tmp_path / "ask"
    ask.write_text('#!/bin/sh\ncase "$1" in Username*) echo "$WHO";; *) echo "$PASSWORD";; esac\n')
    ask.chmod(0o755)

    def run(*arguments: str, password: str, cwd=tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GIT_ASKPASS": str(ask),
            "GIT_CONFIG_NOSYSTEM": "1",
            "WHO": "ada",
            "PASSWORD": password,
        }
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "credential.helper=")
        return subprocess.run(
            ["git", *who, *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def project(shelf):
    return shelf.workspace.creation.create(ADA, "p" + os.urandom(4).hex())


def test_clone_and_push_until_it_is_revoked(shelf, git, project, tmp_path):
    keys = shelf.workspace.keys
    made = keys.make_password(ADA, "laptop")
    cloned = git("clone", project.clone_url, "here", password=made.secret)
    assert cloned.returncode == 0, cloned.stderr
    here = tmp_path / "here"
    (here / "more.txt").write_text("more")
    git("add", "more.txt", password="", cwd=here)
    git("commit", "-m", "More", password="", cwd=here)
    pushed = git("push", password=made.secret, cwd=here)
    assert pushed.returncode == 0, pushed.stderr
    assert shelf.on_forge(project.path).commits.list()[0].title == "More"
    assert [password.name for password in keys.passwords(ADA)] == ["laptop"]
    keys.revoke_password(ADA, made.id)
    assert git("fetch", password=made.secret, cwd=here).returncode != 0
    assert list(keys.passwords(ADA)) == []


def test_one_that_only_reads_does_not_push(shelf, git, project, tmp_path):
    made = shelf.workspace.keys.make_password(ADA, "reads", may_push=False)
    assert git("clone", project.clone_url, "here", password=made.secret).returncode == 0
    git("commit", "--allow-empty", "-m", "x", password="", cwd=tmp_path / "here")
    pushed = git("push", password=made.secret, cwd=tmp_path / "here")
    assert pushed.returncode != 0
    shelf.workspace.keys.revoke_password(ADA, made.id)


def test_passwords_are_ones_own(shelf):
    keys = shelf.workspace.keys
    made = keys.make_password(ADA, "mine")
    with pytest.raises(NotFoundError):
        keys.revoke_password(OTHER, made.id)
    keys.revoke_password(ADA, made.id)
    with pytest.raises(NotSignedInError):
        keys.make_password(ANONYMOUS, "x")
    with pytest.raises(InvalidInputError) as refusal:
        keys.make_password(ADA, " ", days=400)
    assert [error.field for error in refusal.value.errors] == ["name", "days"]


def test_keys_are_kept_at_the_forge_once(shelf):
    keys = shelf.workspace.keys
    made = keys.add(ADA, "laptop", PUBLIC + " ada@laptop")
    assert [key.id for key in keys.keys(ADA)] == [made.id]
    with pytest.raises(InvalidInputError, match="not kept") as refusal:
        keys.add(OTHER, "also", PUBLIC)
    assert "kept already" in refusal.value.errors[0].message
    with pytest.raises(NotFoundError):
        keys.remove(OTHER, made.id)
    keys.remove(ADA, made.id)
    assert list(keys.keys(ADA)) == []
    assert not keys.speaks_ssh
