"""What the forge is."""

from __future__ import annotations

from deploy.forge.calls import Call, Reply, Routes

VERSION = "18.0.0"  # the GitLab whose API the answers follow
REVISION = "labfork"
routes = Routes()


@routes.add("GET", "/version", "read_user")
def version(call: Call) -> Reply:
    """Say which GitLab's API is spoken, to those who are signed in."""
    _ = call.user
    return Reply({"version": VERSION, "revision": REVISION})


@routes.add("GET", "/metadata", "read_user")
def metadata(call: Call) -> Reply:
    """Say the same, and that this is the community edition's API."""
    _ = call.user
    return Reply({"version": VERSION, "revision": REVISION, "enterprise": False, "kas": {"enabled": False}})
