"""Finds a Docker client of this machine that can build with BuildKit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.processes import CommandError, run

CLIENTS = (Path("/usr/bin/docker"), Path("/usr/local/bin/docker"))
LAST_WITH_BUILDKIT = 22  # later clients build with the plugin buildx alone


@dataclass(frozen=True)
class Client:
    """A Docker client that can build: with its plugin buildx, or by itself."""

    program: Path
    buildx: bool


class NoClientError(Exception):
    """No Docker client of this machine can build; says why of each."""


def find_client(candidates: Iterable[Path]) -> Client:
    """Return the first of `candidates` that can build; raises NoClientError with what each lacks."""
    reasons = []
    for program in candidates:
        try:
            version = run([program, "--version"], timeout=20).stdout
        except CommandError as error:
            reasons.append(f"{program}: {error}")
            continue
        client = judge_client(program, version, has_buildx=_has_buildx(program))
        if client is not None:
            return client
        reasons.append(f"{program}: {version.strip()} has no plugin buildx")
    raise NoClientError(
        "No Docker client here can build images. Install docker-buildx-plugin, or Debian's docker.io. "
        + "; ".join(reasons)
    )


def judge_client(program: Path, version: str, *, has_buildx: bool) -> Client | None:
    """Return how a client of this `version` text builds, None where it cannot."""
    if has_buildx:
        return Client(program, buildx=True)
    major = re.search(r"version (\d+)\.", version)
    alone = major is not None and int(major[1]) <= LAST_WITH_BUILDKIT
    return Client(program, buildx=False) if alone else None


def _has_buildx(program: Path) -> bool:
    try:
        run([program, "buildx", "version"], timeout=20)
    except CommandError:
        return False
    return True
