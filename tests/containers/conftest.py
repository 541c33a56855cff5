"""Jobs in containers, on the tests' own engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.containers import ContainerLauncher
from hub.jobs import Job
from tests.hub.conftest import Runner


class ContainerRunner(Runner):
    """Runs Python code in a container, and says how it ended."""

    def job(self, code: str, **more) -> Job:
        """Return a job that runs `code` with the image's Python."""
        job = super().job(code, **more)
        return replace(job, argv=("/usr/bin/python3", *job.argv[1:]))


@pytest.fixture
def container(docker_engine, tmp_path) -> ContainerRunner:
    """A runner whose jobs are in containers."""
    return ContainerRunner(ContainerLauncher(docker_engine.base, host=docker_engine.host), tmp_path)


@pytest.fixture
def either(container) -> ContainerRunner:
    """What the tests of all launchers run with."""
    return container


@pytest.fixture
def sandbox(container) -> ContainerRunner:
    """What the tests of a sandbox run with."""
    return container
