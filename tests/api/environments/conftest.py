"""The service over a workspace's database, and a builder that is real up to the installation."""

from __future__ import annotations

import threading
import time

import pytest

from hub.environments.uv import UvBuilder
from hub.processes import Cancelled
from workspace_api.environments.removals import Uses
from workspace_api.environments.service import EnvironmentService
from workspace_api.projects.service import curated_environments
from workspace_api.runs.reading import environments_in_use as of_runs
from workspace_api.sessions.service import environments_in_use as of_sessions


class QuickBuilder(UvBuilder):
    """The real builder up to where packages would be installed; `hold` keeps a build going."""

    hold = threading.Event()
    builds = 0

    def _install(self, folder, lines, log, lock, cancelled):
        self.builds += 1
        while self.hold.is_set():
            if cancelled():
                raise Cancelled("uv")
            time.sleep(0.01)
        folder.mkdir(parents=True)
        (folder / "installed").write_text("numpy")


@pytest.fixture
def builder(home):
    """A builder of its own for each test."""
    builder = QuickBuilder(home / "environments")
    builder.hold = threading.Event()
    return builder


@pytest.fixture
def environments(workspace, home, builder):
    """The service over the workspace's database and the quick builder."""
    uses = Uses(busy=(of_runs(), of_sessions()), pinned=(curated_environments(),))
    settings = workspace.settings.environments.model_copy(update={"keep_gib": 0, "keep_days": 10})
    return EnvironmentService(workspace.database, builder, home / "environments", settings, uses)


def build(environments, owner="w1"):
    """Claim what has waited longest and build it to its end."""
    key = environments.claim(owner, 30)
    environments.build(key, owner, 30, threading.Event())
    return key
