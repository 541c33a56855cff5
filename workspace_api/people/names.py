"""Which names an account may have: those that JupyterHub, GitLab and a folder all accept."""

from __future__ import annotations

import re

LONGEST = 32
PUBLIC_USER = "public"
WORKSPACE_USER = "labfork"
SYSTEM_ACCOUNTS = {PUBLIC_USER: "Visitors", WORKSPACE_USER: "Labfork"}  # and how each is shown
RESERVED = frozenset(
    {
        "all",
        "api",
        "assets",
        "dashboard",
        "explore",
        "genomics",
        "git",
        "groups",
        "health",
        "help",
        "hub",
        "labfork",
        "login",
        "logout",
        "me",
        "metrics",
        "new",
        "nobody",
        "projects",
        "public",
        "ready",
        "root",
        "runs",
        "search",
        "shared",
        "snippets",
        "static",
        "system",
        "unsubscribes",
        "user",
        "users",
        "web",
    }
)
_NAME = re.compile(r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*")


def normalised(name: str) -> str:
    """Return `name` as accounts are looked up: without surrounding space, in small letters."""
    return name.strip().lower()


def refusal(name: str) -> str | None:
    """Return why no person's account may be called `name`, in words, or None when it may.

    Hyphens neither end a name nor follow one another: GitLab refuses such names.
    """
    if not name:
        return "A name is needed."
    if len(name) > LONGEST:
        return f"The name has {len(name)} characters; {LONGEST} is the most."
    if not _NAME.fullmatch(name):
        return (
            f"“{name}” cannot be a name: use small letters, digits and single hyphens, beginning with a "
            "letter and not ending with a hyphen."
        )
    if name in RESERVED:
        return f"“{name}” is reserved for the workspace itself; choose another name."
    return None
