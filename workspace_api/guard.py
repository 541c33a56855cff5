"""The one place where a refusal of the permission table becomes an error in words."""

from __future__ import annotations

from auth.identity import Identity
from auth.permissions import DECIDING, OUTLASTING, READING, Action, Resource, may, scopes_allow
from workspace_api.errors import ForbiddenError, NotSignedInError


def require(identity: Identity, action: Action, resource: Resource, doing: str) -> None:
    """Return when `identity` may do `action`; `doing` names it for the message ("rebuild an environment").

    Raises NotSignedInError for somebody without an account, else ForbiddenError.
    """
    if may(identity, action, resource):
        return
    if not scopes_allow(identity.scopes, reading=action in READING):
        raise ForbiddenError(
            f"This token's scopes ({', '.join(sorted(identity.scopes)) or 'none'}) do not let it {doing}. "
            "Make a token with the scope api."
        )
    if not identity.signed_in:
        raise NotSignedInError(f"Sign in to {doing}.")
    if identity.passing and action in OUTLASTING:
        raise ForbiddenError(
            f"The token of a session cannot {doing}: it ends with the session. Sign in to the workspace's "
            "pages for that, or use a token of your own."
        )
    if identity.passing and action in DECIDING:
        raise ForbiddenError(
            f"The token of a session cannot {doing}: any notebook that runs there has it, and this is for "
            "its person to decide. Do it on the workspace's pages, or use a token of your own."
        )
    if not identity.passing and action is Action.USE_GIT:
        raise ForbiddenError(
            f"Only git in a session can {doing}. For your own machine make one under My work, Git access."
        )
    raise ForbiddenError(f"The account {identity.user} may not {doing}. Ask an administrator.")
