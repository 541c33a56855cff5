"""What somebody may read in a share."""

from __future__ import annotations

import os
import stat

import pytest

from nfs import beneath
from nfs.reading import ENTER, READ, Reader, listing, may, open_for

ADA = Reader(1001, frozenset({1001, 40_000}))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of several people need root")


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "reads", "enters"),
    [
        (1001, 1001, 0o700, True, True),
        (1001, 40_000, 0o077, False, False),
        (0, 40_000, 0o740, True, False),
        (0, 40_000, 0o704, False, False),
        (0, 0, 0o755, True, True),
        (1002, 1002, 0o700, False, False),
        (1002, 1002, 0o711, False, True),
    ],
)
def test_the_first_that_fits_decides(uid, gid, mode, reads, enters):
    status = os.stat_result((stat.S_IFDIR | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))
    assert may(READ, status, ADA) is reads
    assert may(ENTER, status, ADA) is enters


def test_links_lead_nowhere(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.csv").write_text("a")
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    with beneath.folder(tmp_path) as at:
        found, whole = listing(at, Reader(os.geteuid(), frozenset()), 10)
        for path in ("link.csv", "folder/passwd", "pipe", "real", "../x"):
            with pytest.raises(beneath.UnsafePathError):
                open_for(at, path, Reader(os.geteuid(), frozenset()))
    assert ([seen.name for seen in found], whole) == (["real"], True)


@as_root
def test_what_others_keep_to_themselves_is_not_read(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    for name in ("mine", "theirs", "closed/inside"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    os.chown(tmp_path / "mine", 1001, 1001)
    tmp_path.chmod(0o755)
    with beneath.folder(tmp_path) as at:
        assert [seen.name for seen in listing(at, ADA, 10)[0]] == ["mine"]
        os.close(open_for(at, "mine", ADA))
        for path in ("theirs", "closed/inside"):
            with pytest.raises(PermissionError):
                open_for(at, path, ADA)
