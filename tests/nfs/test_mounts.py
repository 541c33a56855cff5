"""Which shares a person sees, and how."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from auth.permissions import Role
from nfs.layout import StorageLayout
from nfs.mounts import GroupShare, HomeShare, Mount, mount_plan

HOME, PUBLIC = HomeShare(Path("/s/home/ada")), Path("/s/public")


@pytest.mark.parametrize(("role", "mode"), [(Role.READER, "ro"), (Role.WRITER, "rw"), (Role.ADMIN, "rw")])
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


def test_a_groups_storage_is_its_groups_alone_and_what_is_made_in_it_stays_so(tmp_path):
    gid = 40_123 if os.geteuid() == 0 else os.getegid()
    folder = StorageLayout(tmp_path).ensure_group("lab", gid)

    made = folder.stat()
    wanted = 0o2770 if os.geteuid() == 0 else 0o770
    assert (stat.S_IMODE(made.st_mode), made.st_uid, made.st_gid) == (wanted, os.geteuid(), gid)
    (folder / "reads").mkdir()
    assert (folder / "reads").stat().st_gid == gid
    assert StorageLayout(tmp_path).ensure_group("lab", gid) == folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a folder for several accounts")
def test_members_may_change_each_others_files_whatever_their_umask(tmp_path):
    folder = StorageLayout(tmp_path).ensure_group("lab", 40_123)
    before = os.umask(0o077)
    try:
        (folder / "plain").touch()
        (folder / "sub").mkdir()
        (folder / "sub" / "deep").touch()
    finally:
        os.umask(before)

    assert [stat.S_IMODE((folder / name).stat().st_mode) & 0o077 for name in ("plain", "sub/deep")] == [
        0o60
    ] * 2
    assert stat.S_IMODE((folder / "sub").stat().st_mode) & 0o077 == 0o70


def test_storage_that_is_set_aside_keeps_every_byte_and_frees_its_name(tmp_path):
    layout = StorageLayout(tmp_path)
    gid = os.getegid()
    (layout.ensure_group("lab", gid) / "a.txt").write_text("kept")

    aside = layout.set_aside("lab", gid)

    assert (aside / "a.txt").read_text() == "kept"
    assert not layout.group("lab").exists()
    assert layout.set_aside("lab", gid) == aside
    assert list(layout.ensure_group("lab", gid).iterdir()) == []
