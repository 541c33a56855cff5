"""What a group may be called, which roles there are, and what a role is on the forge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from auth.permissions import Role
from workspace_api.errors import FieldError
from workspace_api.people import names

LONGEST_TITLE = 120
FIRST_GID, LAST_GID = 40_000, 59_999  # apart from people's, and within what a container's 65,536 ids hold

ACCESS_LEVELS: Mapping[Role, int] = {Role.READER: 20, Role.WRITER: 30, Role.ADMIN: 40}
"""GitLab's reporter, developer and maintainer; its owners could change members past the workspace."""


def forge_mark(gid: int, created_at: dt.datetime) -> str:
    """Return what tells a group of ours on the forge from any other of its name."""
    return f"Labfork keeps this group, number {gid} of {created_at:%Y-%m-%d %H:%M:%S}."


def name_errors(name: str) -> list[FieldError]:
    """Return why no group may be called `name`; groups and people share one set of names."""
    refusal = names.refusal(name)
    return [] if refusal is None else [FieldError("name", refusal)]


def title_errors(title: str) -> list[FieldError]:
    """Return why no group may have this title."""
    if not title:
        return [FieldError("title", "A title is needed: what the group is called on its page.")]
    if len(title) > LONGEST_TITLE:
        words = f"The title has {len(title)} characters; {LONGEST_TITLE} is the most."
        return [FieldError("title", words)]
    if not title.isprintable():
        return [FieldError("title", "The title has characters that cannot be shown; type it again.")]
    return []


def role_errors(role: str) -> list[FieldError]:
    """Return why `role` is none."""
    if role in list(Role):
        return []
    return [FieldError("role", f"There is no role “{role[:40]}”; choose from {', '.join(Role)}.")]
