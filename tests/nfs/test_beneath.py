"""Writing in a folder that belongs to somebody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from nfs import beneath
from tests.conftest import CHECKOUT


def test_a_file_is_replaced_whole(tmp_path):
    (tmp_path / "a.log").write_text("before")
    with beneath.folder(tmp_path) as at:
        beneath.replace_file(at, "a.log", [b"one\n", b"two\n"])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.log": "one\ntwo\n"}


def test_a_file_that_could_not_be_written_whole_leaves_the_one_before(tmp_path):
    def pieces():
        yield b"half of "
        raise RuntimeError("the database is away")

    (tmp_path / "a.log").write_text("before")
    with beneath.folder(tmp_path) as at, pytest.raises(RuntimeError):
        beneath.replace_file(at, "a.log", pieces())

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.log": "before"}


WRITES = """
import os, signal, sys
from nfs import beneath
def pieces():
    yield b"half of it"
    if "dies" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    print("under way", flush=True)
    sys.stdin.read()
with beneath.folder(sys.argv[1]) as at:
    beneath.replace_file(at, "a.log", pieces())
"""


def writer(folder, *more) -> subprocess.Popen[bytes]:
    """Start a process that writes `a.log`, and is killed in the middle or waits there until it is told."""
    command = [sys.executable, "-c", WRITES, str(folder), *more]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def make_older(folder) -> None:
    for path in folder.iterdir():
        os.utime(path, (0, time.time() - 60))


def test_what_a_writer_left_that_was_killed_is_removed_by_the_next(tmp_path):
    assert writer(tmp_path, "dies").wait() == -signal.SIGKILL
    make_older(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1

    with beneath.folder(tmp_path) as at:
        beneath.replace_file(at, "a.log", [b"whole"])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.log": "whole"}


def test_what_another_writer_has_not_finished_stays(tmp_path):
    other = writer(tmp_path)
    other.stdout.readline()
    make_older(tmp_path)
    with beneath.folder(tmp_path) as at:
        beneath.replace_file(at, "a.log", [b"whole"])
    other.communicate()

    assert other.returncode == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.log": "half of it"}


def test_what_only_looks_like_something_left_stays(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    names = [f".a.log.{digit * 16}" for digit in "abc"]
    (tmp_path / names[0]).symlink_to(theirs)
    (tmp_path / names[1]).mkdir()
    os.mkfifo(tmp_path / names[2])
    (tmp_path / ".a.log.mine").write_text("mine")
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    with beneath.folder(tmp_path) as at:
        beneath.replace_file(at, "a.log", [b"whole"])

    assert {path.name for path in tmp_path.iterdir()} == {"a.log", "theirs", ".a.log.mine", *names}
    assert theirs.read_text() == "theirs"


def test_a_link_is_replaced_and_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / "a.log").symlink_to(target)
    with beneath.folder(tmp_path) as at:
        beneath.replace_file(at, "a.log", [b"ours"])

    assert target.read_text() == "theirs"
    assert not (tmp_path / "a.log").is_symlink()


def test_a_folder_in_the_place_of_a_file_stays(tmp_path):
    (tmp_path / "a.log").mkdir()
    with beneath.folder(tmp_path) as at, pytest.raises(IsADirectoryError):
        beneath.replace_file(at, "a.log", [b"ours"])

    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


@pytest.mark.parametrize("name", ["../a.log", "folder/a.log", ""])
def test_a_path_is_no_name(tmp_path, name):
    with beneath.folder(tmp_path) as at, pytest.raises(beneath.UnsafePathError):
        beneath.replace_file(at, name, [b"ours"])
