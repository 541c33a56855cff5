"""How long an image takes to build, beside repo2docker with its own template in the same engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.environments.clients import CLIENTS, find_client
from hub.environments.repo2docker import SEARCHED, Repo2DockerBuilder
from hub.environments.sources import Sources
from tests.bench.table import Row
from tests.conftest import CHECKOUT
from tests.engine import BUNDLE, Engine, running_engine
from tests.publishing import notebook

PEER = "repo2docker's template, pip"
REQUIREMENTS = "matplotlib==3.10.7\npandas==2.3.3\n"
BASE_PACKAGES = CHECKOUT / "hub" / "environments" / "base.txt"


@dataclass(frozen=True)
class Ours:
    """Our builder."""

    builder: Repo2DockerBuilder
    logs: Path

    def seconds_to_build(self, repository: Path) -> float:
        """Build the environment that a repository's present commit needs, unless it is built."""
        started = time.monotonic()
        files = {"requirements.txt": (repository / "requirements.txt").read_text()}
        key = self.builder.key({path: text.encode() for path, text in files.items()})
        self.builder.build(key, files, self.logs / key)
        return time.monotonic() - started


@dataclass(frozen=True)
class Stock:
    """repo2docker with its own template."""

    engine: Engine
    folder: Path

    def seconds_to_build(self, repository: Path) -> float:
        """Build the image of a repository's present commit."""
        client = find_client(CLIENTS)
        tools, specification = self.folder / "tools", self.folder / "specification.json"
        tools.mkdir(parents=True, exist_ok=True)
        asked = {
            "repository": str(repository),
            "image": f"labfork-bench/stock:{time.monotonic_ns()}",
            "base_image": self.engine.base,
            "client": str(client.program),
            "buildx": client.buildx,
            "secrets": {"ca.crt": str(BUNDLE)},
            "tools": str(tools),
            "network": "host",
            "cache": "",
            "base_packages": str(BASE_PACKAGES),
        }
        specification.write_text(json.dumps(asked))
        variables = {"PATH": SEARCHED, "DOCKER_HOST": self.engine.host, "DOCKER_BUILDKIT": "1"}
        started = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", "tests.bench.stock_image", specification],
                cwd=CHECKOUT,
                env={**os.environ, **variables},
                stdout=log,
                stderr=log,
                check=True,
            )
        return time.monotonic() - started


def build_rows(folder: Path) -> Iterator[Row]:
    """Measure a first image, one with another package, and a commit that changes a notebook alone."""
    repository = folder / "repository"
    repository.mkdir(parents=True)
    with running_engine(fresh=True) as engine:
        sources = Sources(ca_bundle=BUNDLE, network="host", cache="labfork-bench-uv")
        known = folder / "known"
        builder = Repo2DockerBuilder(known, engine.base, host=engine.host, sources=sources)
        ours, stock = Ours(builder, folder / "logs"), Stock(engine, folder)
        for name, requirements, number in (
            ("image built, nothing kept", REQUIREMENTS, 1),
            ("image built, one package more", f"{REQUIREMENTS}six==1.17.0\n", 1),
            ("image after a notebook's change", f"{REQUIREMENTS}six==1.17.0\n", 2),
        ):
            (repository / "requirements.txt").write_text(requirements)
            (repository / "worksheet.ipynb").write_text(notebook(f"n + {number}"))
            mine, peer = ours.seconds_to_build(repository), stock.seconds_to_build(repository)
            yield Row(name, mine, "s", "less than the peer", mine < peer, peer, PEER)
