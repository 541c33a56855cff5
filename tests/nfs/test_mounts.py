"""Which shares a person sees, and how."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from nfs.layout import StorageLayout
from nfs.mounts import GroupShare, HomeShare, Mount, mount_plan

HOME, PUBLIC = HomeShare(Path("/s/home/ada")), Path("/s/public")


@pytest.mark.parametrize(("role", "mode"), [("reader", "ro"), ("writer", "rw"), ("admin", "rw")])
def test_a_role_decides_whether_a_group_share_may_be_written(role, mode):
    plan = mount_plan(HOME, [GroupShare("lab", Path("/s/groups/lab"), role)], PUBLIC)

    assert Mount(Path("/s/groups/lab"), PurePosixPath("/shared/lab"), mode) in plan


def test_everybody_has_their_home_and_reads_what_is_public():
    assert mount_plan(HOME, [], PUBLIC) == [
        Mount(Path("/s/home/ada"), PurePosixPath("/home/jovyan"), "rw"),
        Mount(PUBLIC, PurePosixPath("/shared/public"), "ro"),
    ]


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc", "Ada", ".hidden", "a\0b", "x" * 64])
def test_a_share_is_a_single_folder(tmp_path, name):
    layout = StorageLayout(tmp_path)

    with pytest.raises(ValueError, match="cannot name a share"):
        layout.home(name)
    with pytest.raises(ValueError, match="cannot name a share"):
        layout.group(name)


def test_a_home_is_its_owners_alone(tmp_path):
    home = StorageLayout(tmp_path).ensure_home("ada", 23456, 23456)

    assert home.stat().st_mode & 0o777 == 0o700
    assert StorageLayout(tmp_path).ensure_home("ada", 23456, 23456) == home
