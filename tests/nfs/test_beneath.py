"""Writing in a folder that belongs to somebody else."""

from __future__ import annotations

import pytest

from nfs import beneath


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
