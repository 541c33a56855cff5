"""Where each share lies on disk."""

from __future__ import annotations

import errno
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

ASIDE = ".removed"  # no group can be called so
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class StorageLayout:
    """The folders of a storage root: `home/<user>`, `groups/<group>`, `public`."""

    root: Path

    def home(self, user: str) -> Path:
        """Return the home of `user`; raises ValueError for a name that is no single folder."""
        return self.root / "home" / _checked(user)

    def group(self, group: str) -> Path:
        """Return the storage of `group`; raises ValueError for a name that is no single folder."""
        return self.root / "groups" / _checked(group)

    @property
    def public(self) -> Path:
        """What everybody may read."""
        return self.root / "public"

    def ensure_home(self, user: str, uid: int, gid: int) -> Path:
        """Create the home of `user`, readable by its owner only, and return it."""
        home = self.home(user)
        home.parent.mkdir(parents=True, exist_ok=True)
        self.public.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(home, uid, gid, follow_symlinks=False)
        return home

    def ensure_group(self, group: str, gid: int) -> Path:
        """Create the storage of `group`, which belongs to the numeric group `gid`, and return it.

        What members make in it belongs to the group too, and the others who may write there may change it.
        """
        folder = self.group(group)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o770, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, 0, gid, follow_symlinks=False)
            folder.chmod(0o2770)
            _share_what_is_made_in(folder)
        else:
            folder.chmod(0o770)
        return folder

    def aside(self, group: str, gid: int) -> Path:
        """Return where `set_aside` moves the storage of `group`; `gid` is never another group's."""
        return self.group(group).parent / ASIDE / f"{group}-{gid}"

    def set_aside(self, group: str, gid: int) -> Path:
        """Move the storage of `group` out of everybody's sight and return where it is; safe to repeat."""
        folder, aside = self.group(group), self.aside(group, gid)
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.exists() and not aside.exists():
            folder.rename(aside)
        return aside


def _share_what_is_made_in(folder: Path) -> None:
    """Let the group write whatever is made below `folder`: without this each maker's umask would forbid it.

    The attribute is a default access control list (see acl(5)): owner and group everything, others nothing.
    """
    entries = ((1, 7), (4, 7), (32, 0))  # ACL_USER_OBJ, ACL_GROUP_OBJ, ACL_OTHER
    listed = b"".join(struct.pack("<HHI", tag, permissions, 0xFFFFFFFF) for tag, permissions in entries)
    try:
        os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", 2) + listed)
    except OSError as error:  # a file system without such lists: members see to their umask themselves
        if error.errno != errno.ENOTSUP:
            raise


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot name a share: use small letters, digits, dots, hyphens and underscores, "
            "beginning with a letter or digit"
        )
    return name
