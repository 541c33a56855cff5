"""What a repository from elsewhere has by now: the forge fetches it beside its copy, for a moment."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from auth.identity import Identity
from workspace_api.database import now
from workspace_api.errors import WorkspaceError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.imports import PASSING, PASSING_NAME, ForgeImports
from workspace_api.imports.service import ImportService
from workspace_api.imports.views import STATES, Source

LOOK_SECONDS = 0.3
MARGIN_SECONDS = 60.0  # a fetch may wait for others before it begins
LEFT_BEHIND = dt.timedelta(hours=2)


@dataclass(frozen=True)
class News:
    """Where git finds what a source has now: a project on the forge; empty where `said` tells why not."""

    project: str = ""
    said: str = ""


class NewsService:
    """Has the forge fetch sources anew.

    A forge fetches into new projects only, GitLab as well as ours. So what a source has now is a project of
    the caller's for as long as their git reads it; one that a killed process left is removed the next time.
    """

    def __init__(self, imports: ImportService, forge: ForgeClient) -> None:
        self._imports = imports
        self._forge = ForgeImports(forge)

    @contextmanager
    def of(self, identity: Identity, path: str) -> Iterator[News]:
        """Give what the source of a project has now while the block lasts; empty for a copy of nothing."""
        source = self._imports.source(identity, path)
        if source is None:
            yield News()
            return
        if source.refusal:
            yield News(said=_not_brought_in(source, source.refusal))
            return
        with self._fetched(identity.user or "", path, source) as news:
            yield news

    @contextmanager
    def _fetched(self, user: str, path: str, source: Source) -> Iterator[News]:
        for left in self._forge.passed(user, now() - LEFT_BEHIND):
            self._forge.remove(left)
        name = f"{path.rpartition('/')[2]}{PASSING_NAME}{secrets.token_hex(4)}"
        try:
            made = self._forge.create(user, name, source.fetched, "private", f"{PASSING}{source.address}")
        except WorkspaceError as error:
            yield News(said=_not_brought_in(source, error.detail))
            return
        try:
            why_not = self._awaited(f"{user}/{name}")
            yield News(said=_not_brought_in(source, why_not)) if why_not else News(f"{user}/{name}")
        finally:
            self._forge.remove(made.id)

    def _awaited(self, path: str) -> str:
        """Wait until the forge has fetched a project; return why it could not, or nothing."""
        until = time.monotonic() + self._imports.longest_seconds + MARGIN_SECONDS
        while time.monotonic() < until:
            found = self._forge.find(path)
            state = STATES.get(found.status, "fetching") if found is not None else "failed"
            if state == "ready":
                return ""
            if state == "failed":
                return (found.error if found is not None else "") or "The forge could not fetch it."
            time.sleep(LOOK_SECONDS)
        return "It did not arrive in time. Try again later."


def _not_brought_in(source: Source, why: str) -> str:
    return f"What is new at {source.address} was not brought in. {why}"
