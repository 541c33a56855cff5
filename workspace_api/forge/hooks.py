"""The hook by which the forge tells this workspace of every push to any project."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from workspace_api.forge.client import ForgeClient
from workspace_api.settings import Settings

PATH = "/api/v1/hooks/forge"
TOKEN_HEADER = "X-Gitlab-Token"  # noqa: S105 - the header's name


def hook_token(settings: Settings) -> str:
    """Return the secret that the forge sends with every event, made from the workspace's own."""
    return _derived(settings, "token of the forge's hook")


def ensure_hook(forge: ForgeClient, settings: Settings) -> bool:
    """Have the forge tell of pushes, once; return whether the hook had to be made. Safe to repeat.

    It is one hook of the whole forge (a system hook), which hears of projects that are made later too, and
    which nobody but the forge's administrators sees. The address carries a mark of the workspace and its
    token, so that a hook of an earlier address or secret is known and replaced.
    """
    address = (settings.forge.workspace_url or settings.public_url).rstrip("/")
    mark = _derived(settings, "mark of the forge's hook")[:16]
    url = f"{address}{PATH}?{urlencode({'workspace': mark})}"
    known = [hook for hook in forge.ask(lambda gl: gl.hooks.list(get_all=True)) if _ours(hook, address, mark)]
    kept = next((hook for hook in known if hook.url == url and hook.push_events), None)
    if kept is None:
        wanted = {
            "url": url,
            "token": hook_token(settings),
            "push_events": True,
            "tag_push_events": True,
            "merge_requests_events": False,
            "repository_update_events": False,
        }
        forge.ask(lambda gl: gl.hooks.create(wanted))
    for hook in known:
        if hook is not kept:
            forge.ask(lambda _gl, hook=hook: hook.delete())  # type: ignore[misc]
    return kept is None


def _ours(hook: Any, address: str, mark: str) -> bool:
    """Whether a hook is this workspace's, of now or of an earlier start."""
    parts = urlsplit(hook.url)
    if parts.path != PATH:
        return False
    return mark in parse_qs(parts.query).get("workspace", []) or hook.url.startswith(f"{address}{PATH}?")


def _derived(settings: Settings, purpose: str) -> str:
    secret = settings.secret_key.get_secret_value().encode()
    return hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest()
