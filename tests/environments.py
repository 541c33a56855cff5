"""The environment of the AlphaGenome template, built once for every test that runs its worksheets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.environments.uv import UvBuilder
from tests.conftest import CHECKOUT

REQUIREMENTS = CHECKOUT / "repo_templates" / "alphagenome" / "requirements.txt"


@pytest.fixture(scope="session")
def template_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that the template's files ask for; the workers share it."""
    folder = tmp_path_factory.getbasetemp()
    builder = UvBuilder((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "environments")
    text = REQUIREMENTS.read_text()
    key = builder.key({REQUIREMENTS.name: text.encode()})
    builder.build(key, {REQUIREMENTS.name: text}, folder / "environment.log")
    return builder.python(key)
