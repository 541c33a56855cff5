"""Where each share lies on disk."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

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


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot name a share: use small letters, digits, dots, hyphens and underscores, "
            "beginning with a letter or digit"
        )
    return name
