"""Where a browser may be sent after signing in: a page of this workspace and nowhere else."""

from __future__ import annotations

from workspace_api.errors import BadRequestError

LONGEST = 2000


def local_page(wanted: str) -> str:
    """Return `wanted` when it is a path on this workspace; raises BadRequestError for anything else.

    Browsers read `//host`, `/\\host` and paths with control characters in them as other sites.
    """
    local = (
        wanted.startswith("/")
        and not wanted.startswith("//")
        and "\\" not in wanted
        and wanted.isprintable()
        and wanted.isascii()
        and len(wanted) <= LONGEST
    )
    if not local:
        raise BadRequestError(
            f"After signing in you can only go to a page of this workspace, not to {wanted[:80]!r}. "
            "Begin the address with a single /."
        )
    return wanted
