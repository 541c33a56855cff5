"""The base image of a workspace that names none: Debian with git and Python, made here without a registry."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import docker  # type: ignore[import-untyped]

from hub.processes import CommandError, run

PROGRAM = "debootstrap"
RELEASE = "bookworm"
PACKAGES = "ca-certificates,git,python3"
SECONDS = 1800.0


def can_be_made() -> bool:
    """Whether this machine has what makes it."""
    return shutil.which(PROGRAM) is not None


def write_archive(archive: Path) -> None:
    """Write the files of the image to the tar file `archive`, whole or not at all; takes a minute.

    Raises OSError in the words of what could not be done.
    """
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        root, packed = Path(folder) / "root", Path(folder) / "tar"
        try:
            include = f"--include={PACKAGES}"
            run([PROGRAM, "--variant=minbase", include, RELEASE, root], timeout=SECONDS)
            run(["tar", "-C", root, "-cf", packed, "."], timeout=SECONDS)
        except CommandError as error:
            raise OSError(f"the base image could not be made: {error}") from None
        packed.replace(archive)


def import_archive(client: docker.DockerClient, archive: Path, name: str) -> None:
    """Give the engine the image `name` of what `write_archive` wrote."""
    repository, _, tag = name.rpartition(":")
    client.api.import_image_from_file(str(archive), repository=repository, tag=tag)
