"""Who may do what with a project or a group: GitLab's access levels, for REST and git alike."""

from __future__ import annotations

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50
LEVELS = frozenset({5, 10, 15, 20, 30, 40, 50})
VISIBILITIES = ("private", "internal", "public")


def sees(visibility: str, level: int | None, *, signed_in: bool) -> bool:
    """Whether somebody of `level` (None: no member) knows that the thing exists."""
    if visibility == "public" or level is not None:
        return True
    return visibility == "internal" and signed_in


def reads_code(visibility: str, level: int | None, *, signed_in: bool) -> bool:
    """Whether files, commits and clones are open; a guest of a private project sees none."""
    if visibility == "public" or (visibility == "internal" and signed_in):
        return True
    return level is not None and level >= REPORTER


def writes_code(level: int | None) -> bool:
    """Whether pushes and commits are accepted."""
    return level is not None and level >= DEVELOPER


def maintains(level: int | None) -> bool:
    """Whether settings and members may be changed."""
    return level is not None and level >= MAINTAINER


def owns(level: int | None) -> bool:
    """Whether the thing may be deleted."""
    return level is not None and level >= OWNER


def allowed_within(visibility: str, parent: str) -> bool:
    """Whether a project or group may be this visible inside a group of visibility `parent`."""
    return VISIBILITIES.index(visibility) <= VISIBILITIES.index(parent)
