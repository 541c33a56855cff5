"""Forks on a forge that takes its time, as GitLab does; the embedded one has copied when it answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workspace_api.errors import UnavailableError
from workspace_api.forge import forks
from workspace_api.forge.forks import Forks

ORIGIN = SimpleNamespace(id=7)


class SlowForge:
    """A forge that had begun to copy a fork when whoever asked for it was killed."""

    def __init__(self, *states: str) -> None:
        self._states = list(states)
        self.projects = self

    def get(self, path: str) -> SimpleNamespace:
        if path == "genomics/atlas":
            return ORIGIN
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return SimpleNamespace(import_status=state, forked_from_project={"id": ORIGIN.id})

    def ask(self, call):
        return call(self)

    find = ask


def test_a_fork_that_is_still_being_copied_is_waited_for(monkeypatch):
    monkeypatch.setattr(forks, "LOOK_SECONDS", 0)
    forge = SlowForge("scheduled", "started", "finished")

    assert Forks(forge).ensure_fork("genomics/atlas", "ada", "Ada") == "ada/atlas"
    assert forge._states == ["finished"]


def test_one_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr(forks, "LOOK_SECONDS", 0)
    moments = iter(range(0, 1000, 10))
    with pytest.raises(UnavailableError, match="still copying"):
        Forks(SlowForge("started"), clock=lambda: next(moments)).ensure_fork("genomics/atlas", "ada", "Ada")
